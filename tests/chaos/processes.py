"""Start Heyday's processes out of the nursery, signal them, and see them end."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.chaos.waiting import wait_until

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
# What a process may take from this one; everything else would be a setting by accident.
_INHERITED = ("HOME", "LANG", "PATH", "TMPDIR")


def _future() -> asyncio.Future[int]:
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False)
class Process:
    """Hold one process of Heyday.

    code: a file of the Heyday that it runs.   is_ours: whether its end was asked for.   is_taken:
    whether a fault has it in hand.   ended: its exit status, or minus the signal's number.
    """

    name: str
    words: tuple[str, ...]
    log: Path
    nursery: "Nursery"
    pid: int = 0
    code: str = ""
    is_ours: bool = False
    is_taken: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Future[int] = field(default_factory=_future)

    @property
    def is_alive(self) -> bool:
        return not self.ended.done()

    def send(self, number: signal.Signals) -> None:
        """Send a signal; to one that has ended, nothing."""
        self.is_ours = self.is_ours or number in {signal.SIGKILL, signal.SIGTERM}
        if self.is_alive:
            self.nursery.order(signal=int(number), pid=self.pid)

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.send(signal.SIGKILL)
        await self.ended

    async def stop(self, seconds: float = 15.0) -> int:
        """Ask it to end, as service managers do; return its exit status. Raises TimeoutError."""
        self.send(signal.SIGTERM)
        async with asyncio.timeout(seconds):
            return await asyncio.shield(self.ended)

    def said(self, text: str) -> bool:
        """Tell whether its log holds a text."""
        return self.log.exists() and text in self.log.read_text("utf-8", errors="replace")

    async def until_started(self) -> None:
        """Return once it is at work, or has ended."""

        async def look() -> bool:
            return not self.is_alive or self.said('"started"')

        await wait_until(look, PATIENCE, f"the start of {self.name}")

    async def until_ended(self, seconds: float = PATIENCE) -> int:
        """Return how it ended. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            return await asyncio.shield(self.ended)


class Nursery:
    """Order processes from tests/chaos/nursery.py.

    environment: what all of them get, such as a library to load before others.
    """

    def __init__(self, process: asyncio.subprocess.Process, environment: Mapping[str, str]) -> None:
        self._process = process
        self.environment = environment
        self._numbers = count(1)
        self._starting: dict[int, Process] = {}
        self._processes: dict[int, Process] = {}
        self._reader = asyncio.create_task(self._read())

    async def start(
        self, name: str, *words: str, settings: Mapping[str, str], folder: Path
    ) -> Process:
        """Start `heyday <words>` with these settings and no others."""
        log = folder / f"{name}.log"
        process = Process(name, words, log, self)
        number = next(self._numbers)
        self._starting[number] = process
        self.order(
            start=number,
            words=words,
            environment={**self.environment, **settings},
            folder=str(folder),
            log=str(log),
        )
        await process.begun.wait()
        return process

    async def run(
        self, name: str, *words: str, settings: Mapping[str, str], folder: Path
    ) -> tuple[int, str]:
        """Run a command to its end; return its status and what it said."""
        process = await self.start(name, *words, settings=settings, folder=folder)
        status = await process.until_ended()
        return status, process.log.read_text("utf-8")

    def order(self, **order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            answer = json.loads(line)
            if "started" in answer:
                process = self._starting.pop(answer["started"])
                process.pid, process.code = answer["pid"], answer["code"]
                self._processes[process.pid] = process
                process.begun.set()
            else:
                self._processes.pop(answer["ended"]).ended.set_result(answer["status"])


@contextlib.asynccontextmanager
async def open_nursery(environment: Mapping[str, str] | None = None) -> AsyncIterator[Nursery]:
    """Lend a nursery; whatever happens, its children are gone afterwards."""
    here = os.environ  # noqa: TID251 - passed on, not read
    inherited = {name: here[name] for name in _INHERITED if name in here} | dict(environment or {})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.nursery"),
        cwd=ROOT,
        env=inherited,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    nursery = Nursery(process, inherited)
    try:
        yield nursery
    finally:
        await nursery.close()
