"""Run the program as a stranger would: as processes of its own, seen from outside."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from tests.keys import bearer

T = TypeVar("T")

PATIENCE = 60.0
_COMMAND = (sys.executable, "-m", "heyday")
# What a process may take from this one; everything else would be a setting by accident.
_INHERITED = ("HOME", "LANG", "PATH", "TMPDIR")
_PAUSE = 0.05


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out, self.err
        return json.loads(self.out)


def run(*words: str, cwd: Path, program: Sequence[str] = _COMMAND, **settings: str) -> Finished:
    """Run one command to its end."""
    done = subprocess.run(
        [*program, *words],
        cwd=cwd,
        env=_environment(settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


class Heyday:
    """A process that stays: what it says, and whether it lives."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.text = ""
        self._changed = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    async def said(self, pattern: str, seconds: float = PATIENCE) -> re.Match[str]:
        """Return once it has said what the pattern matches."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                while not (match := re.search(pattern, self.text)):
                    assert not self._reader.done(), f"it ended, saying:\n{self.text}"
                    await self._changed.wait()
                return match
        except TimeoutError:
            raise AssertionError(f"no {pattern!r} in {seconds} s, but:\n{self.text}") from None

    async def first_key(self) -> str:
        """Return the API key that it says at its very first start, and never again."""
        return (await self.said(r"(hd_\w+)"))[1]

    async def until(self, look: Callable[[], Awaitable[T | None]], seconds: float = PATIENCE) -> T:
        """Look again and again, as long as it lives, until there is something; return that."""
        try:
            async with asyncio.timeout(seconds):
                while not (found := await look()):
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_PAUSE):
                            await self.process.wait()
                            raise AssertionError(f"it ended, saying:\n{self.text}")
                return found
        except TimeoutError:
            raise AssertionError(f"nothing in {seconds} s; it said:\n{self.text}") from None

    async def stop(self, seconds: float, by: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, as service managers do; return its exit status."""
        self.process.send_signal(by)
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stdout
        while line := await self.process.stdout.readline():
            self.text += line.decode(errors="replace")
            async with self._changed:
                self._changed.notify_all()
        async with self._changed:
            self._changed.notify_all()


@contextlib.asynccontextmanager
async def heyday(
    *words: str, cwd: Path, program: Sequence[str] = _COMMAND, **settings: str
) -> AsyncIterator[Heyday]:
    """Start a process that stays; whatever happens, it is gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        *program,
        *words,
        cwd=cwd,
        env=_environment(settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    running = Heyday(process)
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await running._reader  # noqa: SLF001 - its own


async def get(url: str, key: str = "") -> Any:
    """Return the JSON, or the text, at an address. key: what opens it, where it takes one."""
    headers = bearer(key) if key else {}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as response:
        is_json = response.content_type == "application/json"
        return await (response.json() if is_json else response.text())


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with these settings and no others."""
    here = os.environ  # noqa: TID251 - passed on, not read
    return {name: here[name] for name in _INHERITED if name in here} | dict(settings)
