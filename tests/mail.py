"""A mail server with faults, on a real socket, for tests and benchmarks.

In a test: `async with MailServer(behave) as server:` and give `server.port` to whoever sends.
As a process: `python -m tests.mail --log sent.log --letters letters.bin --drop 0.01` prints its
port on one line and serves until SIGTERM. In so large a share of letters' dialogues it breaks the
connection, each at one of the points of `Drop`, by chance (`--seed`).

It is quick, for it shares the cores with those who are measured: a few lines a letter, and what it
takes is written in large pieces. A letter that it took is in the log: when, and its key.
"""

import argparse
import asyncio
import contextlib
import random
import signal
import socket
import ssl
import struct
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Self, cast

import uvloop

from heyday.domain.idempotency import from_tag

_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER of nothing: closing sends RST
_MESSAGE_ID, _END = b"\r\nMessage-ID: <", b"\r\n.\r\n"
_LENGTH = struct.Struct(">I")
_FLUSH_EVERY = 0.2
EXTENSIONS = ("PIPELINING", "SIZE 10485760", "8BITMIME", "ENHANCEDSTATUSCODES", "SMTPUTF8")


class Drop(StrEnum):
    """Name where a connection breaks. Those from ACCEPTED on have taken the letter."""

    GREETING = "greeting"
    HELLO = "hello"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"
    HALF = "half"  # in the middle of the letter
    DOT = "dot"  # after the final dot; the letter is lost
    ACCEPTED = "accepted"  # the letter is kept, and nobody is told
    HALF_REPLY = "half_reply"  # the same, in the middle of the reply


AT_CONNECT = (Drop.GREETING, Drop.HELLO)
IN_DIALOGUE = tuple(drop for drop in Drop if drop not in AT_CONNECT)
KEEPING = frozenset({Drop.ACCEPTED, Drop.HALF_REPLY})


@dataclass(slots=True)
class Behaviour:
    """Say what a server does.

    replies: to commands, by their first words in capitals, instead of yes; "." is the final dot.
    drop: where the connection of a letter breaks, by its number from 1; None: nowhere.
    at_connect: the same of a connection.   hold: at this step no reply comes.
    """

    extensions: Sequence[str] = EXTENSIONS
    replies: Mapping[str, str] = field(default_factory=dict)
    drop: Callable[[int], Drop | None] = lambda _: None
    at_connect: Callable[[int], Drop | None] = lambda _: None
    login: tuple[str, str] | None = None
    ways: str = "PLAIN LOGIN"
    tls: ssl.SSLContext | None = None
    hold: str | None = None


@dataclass(slots=True)
class Taken:
    """Hold what a server has taken. ends: how often a final dot came."""

    letters: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, str]] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)
    commands: list[str] = field(default_factory=list)
    drops: Counter[Drop] = field(default_factory=Counter)
    connections: int = 0
    begun: int = 0
    ends: int = 0


class Session(asyncio.Protocol):
    """Serve one connection."""

    def __init__(self, server: "MailServer") -> None:
        self._server = server
        self._does = server.behaviour
        self._taken = server.taken
        self._rest = b""
        self._is_letter = self._is_securing = False
        self._drop: Drop | None = None
        self._envelope = ["", ""]
        self._asked: list[str] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        is_new = self._transport is None
        self._transport = cast("asyncio.Transport", transport)
        if not is_new:
            return
        self._server.sessions.add(self)
        self._taken.connections += 1
        self._drop = self._does.at_connect(self._taken.connections)
        if not self._breaks(Drop.GREETING):
            self._say(self._does.replies.get("CONNECT", "220 mail.example.com ESMTP"))

    def connection_lost(self, _: Exception | None) -> None:
        self._server.sessions.discard(self)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (
            not self._is_securing
            and self._rest
            and self._transport
            and not self._transport.is_closing()
        ):
            if self._is_letter:
                if not self._read_letter():
                    return
            else:
                line, found, rest = self._rest.partition(b"\r\n")
                if not found:
                    return
                self._rest = rest
                self._obey(line.decode("utf-8", "replace"))

    def abort(self) -> None:
        """End it."""
        if self._transport:
            self._transport.abort()

    def _obey(self, line: str) -> None:
        if self._asked:
            self._log_in(line)
            return
        self._server.hear(line)
        verb = line.upper().partition(" ")[0]
        if verb == self._does.hold:
            return
        if verb in self._does.replies:
            self._say(self._does.replies[verb])
        else:
            self._verbs.get(verb, self._refuse)(line)

    @cached_property
    def _verbs(self) -> Mapping[str, Callable[[str], None]]:
        return {
            "EHLO": self._greet,
            "STARTTLS": self._secure,
            "AUTH": self._ask_who,
            "MAIL": self._begin,
            "RCPT": self._address,
            "DATA": self._wait_for_letter,
            "RSET": lambda _: self._say("250 2.0.0 Ok"),
            "QUIT": self._leave,
        }

    def _refuse(self, _: str) -> None:
        self._say("502 5.5.2 Error: command not recognized")

    def _secure(self, _: str) -> None:
        self._say("220 2.0.0 Ready to start TLS")
        self._is_securing = True
        self._server.begin(self._upgrade())

    async def _upgrade(self) -> None:
        assert self._transport
        assert self._does.tls
        loop, plain = asyncio.get_running_loop(), self._transport
        with contextlib.suppress(OSError):
            found = await loop.start_tls(plain, self, self._does.tls, server_side=True)
            self._transport = cast("asyncio.Transport", found)
            self._is_securing = False
            self.data_received(b"")  # what came with the end of the handshake

    def _address(self, line: str) -> None:
        self._envelope[1] = line.partition("<")[2].partition(">")[0]
        if not self._breaks(Drop.RECIPIENT):
            self._say("250 2.1.5 Ok")

    def _wait_for_letter(self, _: str) -> None:
        self._is_letter = True
        if not self._breaks(Drop.DATA):
            self._say("354 End data with <CR><LF>.<CR><LF>")

    def _leave(self, _: str) -> None:
        self._say("221 2.0.0 Bye")
        if self._transport:
            self._transport.close()

    def _greet(self, _: str) -> None:
        if self._breaks(Drop.HELLO):
            return
        offers = [*self._does.extensions]
        if self._does.login:
            offers.append(f"AUTH {self._does.ways}")
        if self._does.tls and not self.is_secure:
            offers.append("STARTTLS")
        lines = ["mail.example.com", *offers]
        self._say("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    @property
    def is_secure(self) -> bool:
        return bool(self._transport and self._transport.get_extra_info("sslcontext"))

    def _ask_who(self, line: str) -> None:
        _, way, *initial = line.split(" ")
        if way == "PLAIN" and initial:
            _, user, password = b64decode(initial[0]).decode().split("\0")
            self._judge_login(user, password)
        else:
            self._asked = ["LOGIN"]
            self._say("334 VXNlcm5hbWU6")

    def _log_in(self, line: str) -> None:
        self._asked.append(b64decode(line).decode())
        if len(self._asked) == 3:
            _, user, password = self._asked
            self._asked = []
            self._judge_login(user, password)
        else:
            self._say("334 UGFzc3dvcmQ6")

    def _judge_login(self, user: str, password: str) -> None:
        is_known = (user, password) == self._does.login
        self._say("235 2.7.0 Ok" if is_known else "535 5.7.8 Error: authentication failed")

    def _begin(self, line: str) -> None:
        self._envelope[0] = line.partition("<")[2].partition(">")[0]
        self._taken.begun += 1
        self._drop = self._does.drop(self._taken.begun)
        if not self._breaks(Drop.SENDER):
            self._say("250 2.1.0 Ok")

    def _read_letter(self) -> bool:
        """Take in the letter as far as it is there; tell whether it was whole."""
        if self._drop is Drop.HALF:
            self._breaks(Drop.HALF)
            return False
        if self._rest.startswith(b".\r\n"):
            letter, rest = b"", self._rest[3:]
        else:
            letter, found, rest = self._rest.partition(_END)
            if not found:
                return False
            letter += b"\r\n"
        self._rest, self._is_letter = rest, False
        self._taken.ends += 1
        if self._breaks(Drop.DOT) or self._does.hold == ".":
            return False
        reply = self._does.replies.get(".") if letter else "554 5.5.1 No valid recipients"
        if reply is None or reply.startswith("2") or self._drop in KEEPING:
            self._server.take(letter.replace(b"\r\n..", b"\r\n."), (*self._envelope,))
        reply = reply or f"250 2.0.0 Ok: queued as {self._taken.keys.total():08X}"
        if self._drop is Drop.HALF_REPLY:
            self._say(reply[:9], end="")
        if not (self._breaks(Drop.ACCEPTED) or self._breaks(Drop.HALF_REPLY)):
            self._say(reply)
        return True

    def _breaks(self, point: Drop) -> bool:
        if self._drop is not point or self._transport is None:
            return False
        self._taken.drops[point] += 1
        if point is not Drop.HALF_REPLY:
            wire = self._transport.get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self._transport.abort()
        self._transport.close()
        return True

    def _say(self, reply: str, end: str = "\r\n") -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(f"{reply}{end}".encode())


class MailServer:
    """Listen on a port of 127.0.0.1."""

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        port: int = 0,
        keep: bool = True,
        is_wrapped: bool = False,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.taken = Taken()
        self.sessions: set[Session] = set()
        self._port = port
        self._keep = keep
        self._is_wrapped = is_wrapped
        self._server: asyncio.Server | None = None
        self.heard = asyncio.Event()
        self._upgrades: set[asyncio.Task[None]] = set()
        self.log: BinaryIO | None = None
        self.raw: BinaryIO | None = None
        self._lines: list[bytes] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        tls = self.behaviour.tls if self._is_wrapped else None
        self._server = await loop.create_server(
            lambda: Session(self), "127.0.0.1", self._port, backlog=4096, ssl=tls
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        for session in list(self.sessions):
            session.abort()
        if self._upgrades:
            await asyncio.wait(self._upgrades)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def take(self, letter: bytes, envelope: tuple[str, ...]) -> None:
        """Keep a letter."""
        key = key_of(letter)
        self.taken.keys[key] += 1
        if self._keep:
            self.taken.letters.append(letter)
            self.taken.envelopes.append((envelope[0], envelope[1]))
        if self.log and self.raw:
            at = time.time()  # noqa: TID251 - lateness is told by the wall
            self._lines.append(b"%.6f %s\n" % (at, key.encode()))
            self.raw.write(_LENGTH.pack(len(letter)) + letter)

    def hear(self, command: str) -> None:
        """Note a command, unless there are too many."""
        if self._keep:
            self.taken.commands.append(command)
            self.heard.set()

    async def wait_for(self, command: str, times: int = 1) -> None:
        """Return once a command has come so often."""
        while self.taken.commands.count(command) < times:
            self.heard.clear()
            await self.heard.wait()

    def flush(self) -> None:
        """Write down what is not yet."""
        if self.log and self._lines:
            self.log.write(b"".join(self._lines))
            self.log.flush()
            self._lines.clear()

    def begin(self, upgrade: Coroutine[None, None, None]) -> None:
        """Do something in the background."""
        task = asyncio.create_task(upgrade)
        self._upgrades.add(task)
        task.add_done_callback(self._upgrades.discard)


def key_of(letter: bytes) -> str:
    """Return the idempotency key in a letter's Message-ID; "" if it has none."""
    head = letter.partition(b"\r\n\r\n")[0]
    tag = (b"\r\n" + head).partition(_MESSAGE_ID)[2].partition(b"@")[0]
    return from_tag(tag.decode("ascii", "replace")) if tag else ""


def by_chance(seed: int, share: float, drops: Sequence[Drop]) -> Callable[[int], Drop | None]:
    """Break such a share, each at one of these points."""
    chance = random.Random(seed)  # noqa: S311 - no secret

    def choose(_: int) -> Drop | None:
        return chance.choice(drops) if chance.random() < share else None

    return choose


def read_letters(path: Path) -> Iterator[bytes]:
    """Yield the letters that a server has written down."""
    with path.open("rb") as file:
        while head := file.read(_LENGTH.size):
            yield file.read(_LENGTH.unpack(head)[0])


async def _serve(given: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    behaviour = Behaviour(
        drop=by_chance(given.seed, given.drop, IN_DIALOGUE),
        at_connect=by_chance(given.seed + 1, given.drop, AT_CONNECT),
    )
    with given.log.open("ab") as log, given.letters.open("ab") as raw:
        async with MailServer(behaviour, port=given.port, keep=False) as server:
            server.log, server.raw = log, raw
            print(server.port, flush=True)  # noqa: T201 - what its parent reads
            while not stopped.is_set():
                try:
                    async with asyncio.timeout(_FLUSH_EVERY):
                        await stopped.wait()
                except TimeoutError:
                    server.flush()
            server.flush()
            drops = {drop.value: count for drop, count in server.taken.drops.items()}
            print({"begun": server.taken.begun, **drops}, flush=True)  # noqa: T201 - the same


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="A mail server with faults.")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--drop", type=float, default=0.0, help="share, 0 to 1")
    options.add_argument("--log", type=Path, required=True)
    options.add_argument("--letters", type=Path, required=True)
    uvloop.run(_serve(options.parse_args()))
