"""Providers that keep to their own published descriptions, on a real socket, for tests.

`async with Stub(Postmark()) as stub:` and give `stub.url` to a sender. What a contract accepted is
in `accepted`, by the greeting's key: that is the truth against which outcomes are held.
"""

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from enum import StrEnum
from typing import Protocol, Self

from tests.wire import listening, read_request, reset


class Act(StrEnum):
    """Say what is done with a request instead of a documented answer."""

    HANG = "hang"  # no answer until `released` is set; nothing is accepted
    HANG_ACCEPTED = "hang_accepted"
    RESET_ACCEPTED = "reset_accepted"
    HANG_UP_ACCEPTED = "hang_up_accepted"


@dataclass(frozen=True, slots=True)
class Incoming:
    """Hold one request, as it came."""

    raw: bytes
    method: str
    path: str
    headers: Message
    body: bytes

    @classmethod
    def read(cls, raw: bytes) -> "Incoming":
        head, _, body = raw.partition(b"\r\n\r\n")
        line, _, headers = head.partition(b"\r\n")
        method, path, version = line.decode("ascii").split(" ")
        assert version == "HTTP/1.1"
        return cls(raw, method, path, BytesHeaderParser().parsebytes(headers), body)


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold an answer. accepted: keys of the letters that are taken by it."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    accepted: tuple[str, ...] = ()


class Contract(Protocol):
    """Answer as a provider's description says."""

    def answer(self, incoming: Incoming) -> Reply: ...


Behaviour = Callable[[Incoming, int], "Act | Reply | None"]
"""Decide about a request by itself and its number; None: as the contract says."""


class Stub:
    """Serve a contract on 127.0.0.1. behave: departs from it."""

    def __init__(
        self,
        contract: Contract,
        behave: Behaviour = lambda _, __: None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.contract = contract
        self.behave = behave
        self.requests: list[Incoming] = []
        self.accepted: Counter[str] = Counter()
        self.released = asyncio.Event()
        self.url = ""
        self._tls = tls
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        address = await self._stack.enter_async_context(listening(self._serve, self._tls))
        self.url = f"http{'s' if self._tls else ''}://{address.replace('127.0.0.1', self._host)}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.released.set()
        await self._stack.aclose()

    @property
    def _host(self) -> str:
        return "localhost" if self._tls else "127.0.0.1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            incoming = Incoming.read(await read_request(reader))
            self.requests.append(incoming)
            act = self.behave(incoming, len(self.requests))
            if act is Act.HANG:
                await self.released.wait()
                return
            reply = act if isinstance(act, Reply) else self.contract.answer(incoming)
            self.accepted.update(reply.accepted)
            if isinstance(act, Act):
                await self._break(act, writer)
                return
            writer.write(_written(reply))

    async def _break(self, act: Act, writer: asyncio.StreamWriter) -> None:
        if act is Act.HANG_ACCEPTED:
            await self.released.wait()
        elif act is Act.RESET_ACCEPTED:
            reset(writer)


def _written(reply: Reply) -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
    length = len(reply.body)
    return (
        f"HTTP/1.1 {reply.status} Status\r\n{head}Content-Length: {length}\r\n\r\n".encode()
        + reply.body
    )
