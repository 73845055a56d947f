"""Thousands of bad requests against the real stack: a reason every time, never a fault."""

import json
import random
from collections import Counter
from dataclasses import dataclass, field

import httpx

from tests.factories import person

REQUESTS = 3000
# Stands in every bad value; no reply may repeat it.
CANARY = "SECRET"
JSON = {"Content-Type": "application/json"}

ANYWHERE: list[object] = [
    0,
    -1,
    1.5,
    10**400,
    True,
    False,
    [],
    [CANARY],
    {},
    {CANARY: CANARY},
    [[[[CANARY]]]],
    f"{CANARY}\x00",
    f"{CANARY}\ud800",
    f"\udfff{CANARY}",
    f"{CANARY}\r\nX: y",
    CANARY * 50,
]
NOTHING: list[object] = [None, "", "   ", "\t\n"]
BAD_VALUES: dict[str, list[object]] = {
    "first_name": [*ANYWHERE, *NOTHING],
    "last_name": [*ANYWHERE, *NOTHING],
    "email": [
        *ANYWHERE,
        *NOTHING,
        CANARY,
        f"@{CANARY}",
        f"{CANARY}@",
        f"{CANARY}@b",
        f"a@@{CANARY}.de",
        f"a b@{CANARY}.de",
        f"{CANARY}@example..com",
        f"{CANARY}@-a.de",
        f"{CANARY}@[127.0.0.1]",
        f'"{CANARY}"@example.com',
        f"{CANARY}@example.com\nBcc: x@example.com",
        f"{CANARY * 12}@example.com",
    ],
    "timezone": [
        *ANYWHERE,
        *NOTHING,
        f"Mars/{CANARY}",
        "europe/berlin",
        "../../etc/passwd",
        "Europe/Berlin\x00",
        "Europe/",
        "/UTC",
        "+01:00",
        "zones",
    ],
    "birthday_date": [
        *ANYWHERE,
        f"{CANARY}-01-01",
        "2026-02-29",
        "1990-13-01",
        "1990-00-10",
        "1990-1-1",
        "19900101",
        "1899-12-31",
        "2027-01-16",
        "9999-12-31",
        "10000-01-01",
        "-001-01-01",
        "1990-01-01T00:00:00Z",
        "\uff11\uff19\uff19\uff10-01-01",
    ],
    "location_city": ANYWHERE,
    "location_country": ANYWHERE,
}
BAD_VALUES["anniversary_date"] = BAD_VALUES["birthday_date"]


@dataclass(frozen=True)
class BadRequest:
    kind: str
    method: str
    path: str
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Generator:
    """Make bad requests by chance, the same ones in every run."""

    def __init__(self, seed: int, user_id: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - chooses cases, guards nothing
        self._user_id = user_id
        self._kinds = [
            self.wrong_values,
            self.wrong_names,
            self.broken_json,
            self.wrong_documents,
            self.wrong_media_types,
            self.wrong_paths,
            self.wrong_queries,
            self.wrong_methods,
        ]

    def make(self) -> BadRequest:
        return self._random.choice(self._kinds)()

    def target(self) -> tuple[str, str]:
        item = f"/api/v1/users/{self._user_id}"
        short = f"/user/{self._user_id}"
        targets = [("POST", "/api/v1/users"), ("POST", "/user"), ("PUT", item), ("PUT", short)]
        return self._random.choice([*targets, ("PATCH", item)])

    def body(self, kind: str, content: bytes) -> BadRequest:
        return BadRequest(kind, *self.target(), content, JSON)

    def garbage(self, most: int = 60) -> bytes:
        return self._random.randbytes(self._random.randint(1, most))

    def wrong_values(self) -> BadRequest:
        fields = self._random.sample(sorted(BAD_VALUES), self._random.randint(1, 4))
        wrong = {name: self._random.choice(BAD_VALUES[name]) for name in fields}
        return self.body("wrong values", json.dumps(person(**wrong)).encode())

    def wrong_names(self) -> BadRequest:
        known_elsewhere = ["id", "Email", "created_at", "deleted_at", "__class__"]
        odd = ["", " ", "/", "~", "$ne", "a.b", "first_name\x00", "\ud800", "\u202eemail"]
        name = self._random.choice([*known_elsewhere, *odd, f"{CANARY} 1", "x" * 5000])
        return self.body("wrong names", json.dumps(person(**{name: CANARY})).encode())

    def broken_json(self) -> BadRequest:
        whole = json.dumps(person(location_city=CANARY)).encode()
        cut = self._random.randrange(len(whole))
        at = self._random.randrange(len(whole))
        broken = [
            self.garbage(),
            whole[:cut],
            whole[:at] + b"\xff" + whole[at:],
            whole + whole,
            whole[:-1] + b',"email":"x@example.com"}',
            whole[:-1] + b',"n":NaN}',
            whole[:-1] + b',"n":' + b"9" * 5000 + b"}",
            b'{"a":' * 9000,
            b"[" * 60000,
            whole.decode().encode("utf-16"),
            b"\xef\xbb\xbf" + whole,
            b"",
        ]
        return self.body("broken json", self._random.choice(broken))

    def wrong_documents(self) -> BadRequest:
        documents = ["null", "[]", f'"{CANARY}"', "1", "true", "[{}]", "1e999", "-0"]
        too_long = json.dumps(person(location_city=CANARY * 12000))
        return self.body("wrong documents", self._random.choice([*documents, too_long]).encode())

    def wrong_media_types(self) -> BadRequest:
        media_types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
        odd = ["application/msgpack", "json", "", ";", "application/jsonx", f"text/{CANARY}"]
        chosen = self._random.choice([*media_types, *odd])
        content = json.dumps(person()).encode()
        return BadRequest("wrong media type", *self.target(), content, {"Content-Type": chosen})

    def wrong_paths(self) -> BadRequest:
        escaped = "".join(f"%{byte:02x}" for byte in self.garbage(20))
        root = self._random.choice(
            ["/zz", "/api/v1/users/", "/user/", "/static/", "/docs/", "/docs/assets/", "/problems/"]
        )
        method = self._random.choice(["GET", "DELETE", "PUT", "PATCH"])
        return BadRequest("wrong path", method, f"{root}{CANARY}{escaped}")

    def wrong_queries(self) -> BadRequest:
        limits = ["0", "201", "-1", "x", "1.5", "1e3", "%00", "9" * 400, "%ff", CANARY]
        query = f"limit={self._random.choice(limits)}"
        if self._random.random() < 0.5:
            afters = ["", "x", "%00", self._user_id[:-1], f"{self._user_id}'--", CANARY]
            query = f"limit=5&after={self._random.choice(afters)}"
        return BadRequest("wrong query", "GET", f"/api/v1/users?{query}")

    def wrong_methods(self) -> BadRequest:
        path = self._random.choice(["/user", "/api/v1/users", "/health", "/metrics", "/inbox"])
        method = self._random.choice(["PUT", "DELETE", "TRACE", "PROPFIND", CANARY])
        return BadRequest("wrong method", method, path)


async def send(client: httpx.AsyncClient, bad: BadRequest) -> httpx.Response:
    odd = {"X-Request-Id": f"{CANARY} {{}}", "Accept": "text/html", "Cookie": CANARY}
    headers = {**odd, **bad.headers}
    return await client.request(bad.method, bad.path, content=bad.content, headers=headers)


async def test_no_bad_request_makes_a_fault(client: httpx.AsyncClient) -> None:
    user_id = (await client.post("/user", json=person())).json()["id"]
    before = (await client.get(f"/user/{user_id}")).json()
    generator = Generator(20270114, user_id)
    seen: Counter[tuple[str, int]] = Counter()
    for _ in range(REQUESTS):
        bad = generator.make()
        reply = await send(client, bad)
        assert 400 <= reply.status_code < 500, bad
        assert reply.headers["Content-Type"] == "application/problem+json", bad
        problem = reply.json()
        assert problem["status"] == reply.status_code, bad
        assert problem["type"].startswith("/problems/"), bad
        assert problem["title"], bad
        assert problem["detail"], bad
        assert all(error["detail"] for error in problem.get("errors", [])), bad
        assert CANARY not in reply.text, bad
        seen[bad.kind, reply.status_code] += 1
    assert {status for _, status in seen} == {400, 404, 405, 413, 415, 422}
    assert (await client.get(f"/user/{user_id}")).json() == before
