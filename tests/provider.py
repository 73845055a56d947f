"""A provider with faults, on a real socket, for tests.

In a test: `async with Provider(behave) as provider:` and give `provider.url` to an HttpSender.
As a process: `python -m tests.provider --port 0 --seed 7 --faults 0.1 --log sent.jsonl` prints its
address on one line, then writes one JSON line for each request until it gets SIGTERM.
`--acts busy:1,hang:9` takes these faults alone, each by its weight; `--latency 0.02` takes that
long for each request, a part of it before the message is accepted.

POST /send-batch takes many messages. A fault that the first of them meets is that of the request;
else each has its own answer, if its fault is one that an answer to one message can tell.

What it accepts is in `accepted`, by key: that is the truth against which Heyday's own rows are
held. Honouring keys, it accepts each key once and answers a repeat with the stored reply.
"""

import argparse
import asyncio
import contextlib
import json
import random
import signal
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Self, TextIO

from aiohttp import web


class Act(StrEnum):
    """Say what the provider does with one request. Those above HANG do not accept the message."""

    REFUSE = "refuse"  # 422
    BUSY = "busy"  # 429 with Retry-After
    BUSY_NOW = "busy_now"  # 429 without
    SUCCESS_FALSE = "success_false"  # 200 {"success": false}
    ERROR = "error"  # 500
    UNAVAILABLE = "unavailable"  # 503
    HANG = "hang"  # no answer until `released` is set
    HANG_ACCEPTED = "hang_accepted"
    ERROR_ACCEPTED = "error_accepted"  # 500, although the message leaves
    RESET_ACCEPTED = "reset_accepted"  # RST instead of an answer
    HANG_UP_ACCEPTED = "hang_up_accepted"  # FIN instead of an answer
    SLOW_BODY_ACCEPTED = "slow_body_accepted"  # head and half the body, the rest when released
    TRUNCATED_ACCEPTED = "truncated_accepted"  # head and half the body, then FIN
    GARBAGE_ACCEPTED = "garbage_accepted"  # bytes that are not HTTP
    HTML_ACCEPTED = "html_accepted"  # 200 with a page
    OK = "ok"


FAULTS = tuple(act for act in Act if act is not Act.OK)
_NOT_ACCEPTING = frozenset(FAULTS[: FAULTS.index(Act.HANG_ACCEPTED)])
_JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html"}
_WAIT = {"Retry-After": "1"}
_PLAIN = {
    Act.REFUSE: (422, '{"error": "no such mailbox"}', _JSON),
    Act.BUSY: (429, "{}", _JSON | _WAIT),
    Act.BUSY_NOW: (429, "{}", _JSON),
    Act.SUCCESS_FALSE: (200, '{"success": false}', _JSON),
    Act.ERROR: (500, "internal error", {}),
    Act.ERROR_ACCEPTED: (500, "internal error", {}),
    Act.UNAVAILABLE: (503, "", _WAIT),
    Act.HTML_ACCEPTED: (200, "<html><body>Please wait</body></html>", _HTML),
}
# What may be said of one message in a batch.
_OF_ONE = frozenset(
    {
        *(Act.OK, Act.REFUSE, Act.BUSY_NOW, Act.SUCCESS_FALSE),
        *(Act.ERROR, Act.UNAVAILABLE, Act.ERROR_ACCEPTED),
    }
)
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER of nothing: closing sends RST


@dataclass(frozen=True, slots=True)
class Received:
    """Hold one request as it came.

    received_at: on the wall.   seconds: on a clock that never jumps.   earlier: how often the
    key had come before.   together: with how many it came, itself included.   head: its address and
    headers.
    """

    key: str
    email: str
    message: str
    received_at: datetime
    seconds: float
    earlier: int
    together: int = 1
    head: str = ""


Behaviour = Callable[[Received], "Act | web.Response"]
"""Decide what happens to a request; a response of one's own is sent as it is, not accepted."""


def always(act: Act) -> Behaviour:
    """Do the same with every request."""
    return lambda _: act


def mix(seed: int, share: float, faults: tuple[Act, ...] = FAULTS) -> Behaviour:
    """Do one of `faults` with about this share of the requests, the same ones for one seed.

    The choice hangs on the seed, the key and its repeat, not on the order of arrival.
    """

    def choose(request: Received) -> Act:
        chance = random.Random(f"{seed}/{request.key}/{request.earlier}")  # noqa: S311 - no secret
        return chance.choice(faults) if chance.random() < share else Act.OK

    return choose


class Provider:
    """Listen on a port of 127.0.0.1, and do with each message that comes what `behave` says."""

    def __init__(
        self,
        behave: Behaviour = always(Act.OK),  # noqa: B008 - a constant function
        *,
        honours_keys: bool = True,
        port: int = 0,
        log: TextIO | None = None,
        latency: float = 0.0,
    ) -> None:
        self.behave = behave
        self.requests: list[Received] = []
        self.batches: list[int] = []
        self.accepted: Counter[str] = Counter()
        self.acts: Counter[Act] = Counter()
        self.released = asyncio.Event()
        self._replies: dict[str, dict[str, object]] = {}
        self._honours_keys = honours_keys
        self._port = port
        self._log = log
        self._latency = latency
        self._seen: Counter[str] = Counter()
        self._changed = asyncio.Condition()
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/send-email", self._handle)
        app.router.add_post("/send-batch", self._handle_batch)
        # Cancelled when the client hangs up, so that no request hangs for ever.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.released.set()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def extra(self) -> int:
        """Return how many acceptances there were beyond one a key."""
        return self.accepted.total() - len(self.accepted)

    async def wait_for(self, n: int) -> None:
        """Return once at least `n` requests have come."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.requests) >= n)

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        body: dict[str, str] = await http.json()
        request = self._receive(http, body | {"idempotency_key": http.headers["Idempotency-Key"]})
        with self._latency_of([request]) as (before, after):
            await self._pass(before)
        act = self.behave(request)
        reply = self._settle(request, act)
        await self._tell()
        await self._pass(after)
        if isinstance(act, web.Response):
            return act
        return await self._answer(http, act, reply, lambda: self._accept(request.key))

    async def _handle_batch(self, http: web.Request) -> web.StreamResponse:
        body: dict[str, list[dict[str, str]]] = await http.json()
        messages = body["messages"]
        requests = [self._receive(http, message, len(messages)) for message in messages]
        self.batches.append(len(requests))
        with self._latency_of(requests) as (before, after):
            await self._pass(before)
        acts = [self.behave(request) for request in requests]
        whole = acts[0]
        if whole is Act.OK:
            acts = [act if act in _OF_ONE else Act.OK for act in acts]
        else:
            acts = [whole] * len(acts)
        replies = [self._settle(r, act) for r, act in zip(requests, acts, strict=True)]
        await self._tell()
        await self._pass(after)
        if isinstance(whole, web.Response):
            return whole
        if whole is Act.OK:
            replies = list(map(_item, acts, replies))
        return await self._answer(
            http,
            whole,
            {"results": replies},
            lambda: {"results": [self._accept(request.key) for request in requests]},
        )

    @contextlib.contextmanager
    def _latency_of(self, requests: Sequence[Received]) -> Iterator[tuple[float, float]]:
        """Lend the seconds before the messages are accepted and after; log those who gave up."""
        before = self._latency * random.random()  # noqa: S311 - no secret
        try:
            yield before, self._latency - before
        except asyncio.CancelledError:
            for request in requests:
                self._write_log(request, "gone")
            raise

    def _settle(self, request: Received, act: "Act | web.Response") -> dict[str, object]:
        """Accept the message or not, and note it; return the reply."""
        reply: dict[str, object] = {}
        if isinstance(act, Act):
            self.acts[act] += 1
            if act not in _NOT_ACCEPTING:
                reply = self._accept(request.key)
        self._write_log(request, act if isinstance(act, Act) else "custom")
        return reply

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _pass(self, seconds: float) -> None:
        """Take time, unless whoever is slow is to hurry."""
        if seconds:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.released.wait()

    def _receive(
        self, http: web.Request, message: Mapping[str, str], together: int = 1
    ) -> Received:
        key = message["idempotency_key"]
        received = Received(
            key=key,
            email=message["email"],
            message=message["message"],
            received_at=datetime.now(UTC),  # noqa: TID251 - when it really came is what counts
            seconds=asyncio.get_running_loop().time(),
            earlier=self._seen[key],
            together=together,
            head=f"{http.method} {http.raw_path} {http.raw_headers!r}",
        )
        self._seen[key] += 1
        self.requests.append(received)
        return received

    def _accept(self, key: str) -> dict[str, object]:
        if not self._honours_keys or key not in self._replies:
            self.accepted[key] += 1
            self._replies[key] = {"success": True, "id": f"m-{self.accepted.total()}"}
        return self._replies[key]

    async def _answer(
        self,
        http: web.Request,
        act: Act,
        reply: dict[str, object],
        accept: Callable[[], dict[str, object]],
    ) -> web.StreamResponse:
        """Answer as the act says. accept: what one does that accepts in the end."""
        if act in _PLAIN:
            status, text, headers = _PLAIN[act]
            return web.Response(status=status, text=text, headers=headers)
        if act in {Act.HANG, Act.HANG_ACCEPTED}:
            await self.released.wait()
            if act is Act.HANG:
                reply = accept()
        elif act is not Act.OK:
            return await self._break(http, act, json.dumps(reply).encode())
        return web.json_response(reply)

    async def _break(self, http: web.Request, act: Act, body: bytes) -> web.StreamResponse:
        """Answer in part, or not at all, below the level of HTTP."""
        wire = http.transport
        assert wire is not None
        head, half = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n", len(body) // 2
        if act is Act.GARBAGE_ACCEPTED:
            wire.write(b"\x00\xff what is this\r\n\r\n")
        elif act in {Act.SLOW_BODY_ACCEPTED, Act.TRUNCATED_ACCEPTED}:
            wire.write(head.encode() + body[:half])
        if act is Act.SLOW_BODY_ACCEPTED:
            await self.released.wait()
            wire.write(body[half:])
        if act is Act.RESET_ACCEPTED:
            wire.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            wire.abort()
        wire.close()
        return web.Response()  # never arrives: the connection is gone

    def _write_log(self, request: Received, act: str) -> None:
        if self._log is not None:
            line = asdict(request) | {"act": act, "accepted": self.accepted[request.key]}
            del line["head"]
            self._log.write(json.dumps(line, default=str) + "\n")


def _item(act: "Act | web.Response", reply: dict[str, object]) -> dict[str, object]:
    """Return what is said of one message in a batch."""
    if act is Act.OK:
        return reply
    assert isinstance(act, Act)
    status, text, _ = _PLAIN[act]
    says = json.loads(text) if text.startswith("{") else {}
    return {"status": status, **says}


def _weighted(text: str) -> tuple[Act, ...]:
    """Read name:weight,name:weight; return each act so many times."""
    parts = (part.partition(":") for part in text.split(","))
    return tuple(act for name, _, weight in parts for act in [Act(name)] * int(weight or 1))


async def _serve(given: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    acts = _weighted(given.acts) if given.acts else FAULTS
    # Line by line, so that a killed provider has still told what it accepted.
    with given.log.open("a", buffering=1, encoding="utf-8") as log:
        async with Provider(
            mix(given.seed, given.faults, acts),
            honours_keys=not given.no_keys,
            port=given.port,
            log=log,
            latency=given.latency,
        ) as provider:
            print(provider.url, flush=True)  # noqa: T201 - the one thing its parent reads
            await stopped.wait()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="A mail provider with faults.")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--faults", type=float, default=0.0, help="share, 0 to 1")
    options.add_argument(
        "--acts", default="", help="these faults alone, as name:weight,name:weight"
    )
    options.add_argument("--latency", type=float, default=0.0, help="seconds for a request")
    options.add_argument("--log", type=Path, required=True)
    options.add_argument("--no-keys", action="store_true", help="accept a repeated key again")
    asyncio.run(_serve(options.parse_args()))
