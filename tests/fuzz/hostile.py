"""Make requests that nobody should send, byte for byte, and send them over sockets of their own."""

import asyncio
import gzip
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

from tests.integration.api.test_fuzz import ANYWHERE, CANARY, Generator

# What a server may take to notice that no more will come.
_SILENCE = 0.25
_PATIENCE = 20.0
_PLACE = re.compile(r"\{(\w+)\}")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_ODD_METHODS = (
    *("TRACE", "CONNECT", "PROPFIND", "QUERY", "PRI", "get", "G ET", "GE\x00T", "X" * 5000),
    *("M-SEARCH", "POST\t", "", "\u00fc", "GET/", "<GET>"),
)
_ODD_VALUES = (
    *(
        "",
        " ",
        "0",
        "-1",
        "9" * 400,
        "null",
        "true",
        "%00",
        "%ff%fe",
        "..%2f..%2fetc%2fpasswd",
        "'",
    ),
    *(
        "' OR 1=1--",
        "{{7*7}}",
        "${jndi:ldap://x}",
        "\u202e",
        "*",
        "1e999",
        "NaN",
        "[]",
        "a,b",
        "\x7f",
    ),
    *("2027-01-14", "2027-13-45", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "x" * 9000),
)
_ODD_HEADERS: Sequence[tuple[bytes, bytes]] = (
    (b"Content-Length", b"-1"),
    (b"Content-Length", b"99999999999999999999"),
    (b"Content-Length", b"5, 5"),
    (b"Transfer-Encoding", b"chunked"),
    (b"Transfer-Encoding", b"gzip, chunked"),
    (b"Transfer-Encoding", b"\x00"),
    (b"Content-Encoding", b"gzip"),
    (b"Content-Type", b"application/json; charset=utf-16"),
    (b"Content-Type", b"multipart/form-data; boundary=" + b"x" * 300),
    (b"Content-Type", b"multipart/form-data"),
    (b"Content-Type", b"application/json\xff"),
    (b"Content-Type", b"text/csv; charset=nonsense"),
    (b"Accept", b"image/png;q=nan"),
    (b"Accept-Encoding", b"gzip;q=\xff, *;q=-1"),
    (b"Accept-Language", b"\xf0\x9f\x8e\x82" * 50),
    (b"Authorization", b"Bearer"),
    (b"Authorization", b"Bearer \xff\xfe"),
    (b"Authorization", b"Bearer hd_" + b"A" * 4000),
    (b"Authorization", b"Basic !!!!"),
    (b"Authorization", b"Basic " + b"Og=="),
    (b"Cookie", b"a=b; ;;; =\x01"),
    (b"Expect", b"100-continue"),
    (b"Expect", b"nonsense"),
    (b"Host", b"evil.example\x00"),
    (b"Host", b"a b"),
    (b"Host", b"[::1"),
    (b"Idempotency-Key", b"\xff" * 300),
    (b"Idempotency-Key", b""),
    (b"If-Match", b'"\xff'),
    (b"If-Match", b'W/"",,,"' + b"," * 3000),
    (b"If-None-Match", b"*, *"),
    (b"If-Modified-Since", b"yesterday"),
    (b"Origin", b"null"),
    (b"Range", b"bytes=9-1,-"),
    (b"Upgrade", b"websocket"),
    (b"Upgrade", b"h2c"),
    (b"Connection", b"Upgrade, HTTP2-Settings"),
    (b"X-Forwarded-For", b"1.2.3.4, \xff, unknown, [::]:99999"),
    (b"X-Forwarded-Proto", b"javascript"),
    (b"Forwarded", b'for="_\x00";by='),
    (b"X-Request-Id", b"\xff" * 100),
    (b"X-HTTP-Method-Override", b"DELETE"),
    (b"X" * 300, b"y" * 60_000),
    (b"No Colon Here", b""),
    (b"Fold", b"a\r\n b"),
    (b"", b"empty name"),
)
_GREETINGS = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"GET /\r\n",
    b"\x00" * 64,
    b"SSH-2.0-OpenSSH_9\r\n",
    b"EHLO x\r\n",
    b"*1\r\n$4\r\nPING\r\n",
    b"AMQP\x00\x00\x09\x01",
)


@dataclass(frozen=True)
class Operation:
    """Hold one operation of the description: any path, and what it takes in the query."""

    method: str
    path: str
    query: Sequence[str]


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Return all operations that an OpenAPI document names."""
    return [
        Operation(
            method.upper(),
            path,
            [p["name"] for p in found.get("parameters", []) if p.get("in") == "query"],
        )
        for path, item in document["paths"].items()
        for method, found in item.items()
        if method.upper() in _METHODS
    ]


class Hostile:
    """Make requests by chance, the same ones for one seed but for numbers of made-up people."""

    def __init__(
        self, seed: int, document: Mapping[str, Any], user_id: UUID, headers: Mapping[str, str]
    ) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - chooses cases, guards nothing
        self._operations = operations(document)
        self._user_id = str(user_id)
        self._values = Generator(seed, self._user_id)
        self._headers = [(k.encode(), v.encode()) for k, v in headers.items()]
        self._kinds: list[Callable[[], bytes]] = [
            *(self.any_operation, self.any_operation, self.any_operation, self.wrong_value),
            *(self.odd_method, self.odd_target, self.odd_version, self.odd_headers),
            *(self.odd_framing, self.damaged, self.no_http, self.pipelined, self.encoded_body),
        ]

    def requests(self, number: int) -> Iterator[bytes]:
        """Yield so many requests."""
        for _ in range(number):
            yield self._chance.choice(self._kinds)()

    def any_operation(self) -> bytes:
        """Make a well-formed request of any operation, with any values."""
        operation = self._chance.choice(self._operations)
        path = _PLACE.sub(lambda _: self._segment(), operation.path)
        names = [n for n in operation.query if self._chance.random() < 0.5]
        pairs = [f"{quote(name)}={quote(self._odd(), errors='replace')}" for name in names]
        target = "?".join([path, "&".join(pairs)] if pairs else [path])
        method = operation.method if self._chance.random() < 0.8 else self._chance.choice(_METHODS)
        body = b"" if method in {"GET", "HEAD", "OPTIONS"} else self._body()
        media = self._chance.choice([b"application/json"] * 6 + [b"text/csv", b"text/plain"])
        return self._message(method, target, [(b"Content-Type", media)], body)

    def wrong_value(self) -> bytes:
        """Make one that a client could send, and the API has to refuse."""
        bad = self._values.make()
        headers = [(k.encode(), v.encode()) for k, v in bad.headers.items()]
        return self._message(bad.method, bad.path, headers, bad.content)

    def odd_method(self) -> bytes:
        return self._message(self._chance.choice(_ODD_METHODS), self._path(), [], self._body())

    def odd_target(self) -> bytes:
        targets = [
            *("*", "", "//", "/\x00", "/%", "/%zz", "/..;/admin", "/../../etc/passwd", "?x", "#"),
            *("http://evil.example/health", "evil.example:443", "/" + "a" * 70_000),
            *(f"{self._path()}?" + "a=b&" * 4000, f"{self._path()}/", f"{self._path()}%00"),
            *("/\u00fc\u202e", "/docs/assets/..%2f..%2fapp.py", "/problems/%2e%2e%2f", "/ /"),
            *(f"/{quote(self._odd(), errors='replace')}", f"/{self._chance.randbytes(30)!r}"),
        ]
        return self._message(self._chance.choice(_METHODS), self._chance.choice(targets), [], b"")

    def odd_version(self) -> bytes:
        versions = ["HTTP/0.9", "HTTP/1.0", "HTTP/2", "HTTP/9.9", "HTTP/1.1 ", "http/1.1", "", "X"]
        version = self._chance.choice(versions)
        return self._message("GET", self._path(), [], b"", version=version)

    def odd_headers(self) -> bytes:
        some = self._chance.sample(_ODD_HEADERS, self._chance.randint(1, 4))
        many = (
            [(b"X-%d" % n, b"y" * 90) for n in range(700)] if self._chance.random() < 0.05 else []
        )
        method = self._chance.choice(_METHODS)
        body = b"" if method in {"GET", "HEAD", "OPTIONS"} else self._body()
        return self._message(method, self._path(), [*some, *many], body)

    def odd_framing(self) -> bytes:
        """Make one whose body is not as long as it says, or ends where it should not."""
        head = b"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        body = self._body()
        length = b"Content-Length: %d\r\n"
        chunked = b"Transfer-Encoding: chunked\r\n"
        framed = [
            head + length % (len(body) + 9) + b"\r\n" + body,
            head + length % max(len(body) - 9, 0) + b"\r\n" + body,
            head + length % len(body) + length % (len(body) + 1) + b"\r\n" + body,
            head + length % len(body) + chunked + b"\r\n" + body,
            head + chunked + b"\r\nzz\r\n" + body,
            head + chunked + b"\r\nffffffffffffffff\r\n" + body,
            head + chunked + b"\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n",
            head + chunked + b"\r\n1\r\n{\r\n" * 200 + b"0\r\nX: y\r\n\r\n",
            head.replace(b"\r\n", b"\n") + b"\n" + body,
            head.replace(b"Host: x\r\n", b"") + b"\r\n",
            head[: self._chance.randrange(1, len(head))],
        ]
        return self._chance.choice(framed)

    def damaged(self) -> bytes:
        """Make a good one and turn some of its bytes into others."""
        whole = bytearray(self._message("POST", "/api/v1/users", [], self._body()))
        for _ in range(self._chance.randint(1, 8)):
            whole[self._chance.randrange(len(whole))] = self._chance.randrange(256)
        return bytes(whole)

    def no_http(self) -> bytes:
        return self._chance.choice([*_GREETINGS, self._chance.randbytes(200)])

    def pipelined(self) -> bytes:
        first = self._message("GET", self._path(), [], b"").replace(b"Connection: close\r\n", b"")
        return first * self._chance.randint(1, 3) + self.wrong_value()

    def encoded_body(self) -> bytes:
        """Make one whose body is packed, or in another alphabet, whatever it says."""
        body = self._body()
        packed = [gzip.compress(body), body.decode("utf-8", "replace").encode("utf-16"), body[::-1]]
        encodings = [b"gzip", b"br", b"deflate", b"identity", b"gzip, gzip", b"\xff"]
        headers = [
            (b"Content-Encoding", self._chance.choice(encodings)),
            (b"Content-Type", b"application/json"),
        ]
        return self._message("POST", self._path(), headers, self._chance.choice(packed))

    def _message(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        version: str = "HTTP/1.1",
    ) -> bytes:
        usual = [(b"Host", b"heyday.example"), (b"Connection", b"close")]
        # One in ten comes without a key.
        keyed = self._headers if self._chance.random() < 0.9 else []
        length = [(b"Content-Length", b"%d" % len(body))] if body else []
        lines = b"".join(b"%b: %b\r\n" % pair for pair in (*usual, *keyed, *length, *headers))
        line = f"{method} {target} {version}\r\n".encode("utf-8", "replace")
        return line + lines + b"\r\n" + body

    def _path(self) -> str:
        return _PLACE.sub(lambda _: self._segment(), self._chance.choice(self._operations).path)

    def _segment(self) -> str:
        if self._chance.random() < 0.4:
            return self._user_id
        return quote(self._odd(), safe="", errors="replace")

    def _odd(self) -> str:
        return self._chance.choice([*_ODD_VALUES, CANARY, self._user_id])

    def _body(self) -> bytes:
        address = f"fuzzed.{self._chance.getrandbits(40)}@example.com"
        good = {"first_name": "A", "last_name": "B", "email": address, "timezone": "UTC"}
        anything: list[object] = [*ANYWHERE, *_ODD_VALUES, None, {"items": ANYWHERE[:6]}]
        chosen = self._chance.choice(anything)
        return self._chance.choice(
            [
                json.dumps(good).encode(),
                json.dumps(chosen).encode(),
                json.dumps([chosen, {str(chosen)[:40]: chosen}]).encode(),
                self._chance.randbytes(self._chance.randint(1, 300)),
                b"first_name,last_name,email,timezone\n\xff,\x00," + json.dumps(chosen).encode(),
                self._values.wrong_values().content,
            ]
        )


async def exchange(port: int, request: bytes) -> bytes:
    """Send a request as it stands; return all that comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    reply = b""
    try:
        async with asyncio.timeout(_PATIENCE):
            writer.write(request)
            while chunk := await _read(reader, writer):
                reply += chunk
    except ConnectionError:
        pass  # it hung up while we were still talking
    finally:
        writer.close()
    return reply


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Return what comes next; say that no more will follow if nothing does."""
    try:
        async with asyncio.timeout(_SILENCE):
            return await reader.read(65536)
    except TimeoutError:
        if writer.can_write_eof():
            writer.write_eof()
        return await reader.read(65536)
