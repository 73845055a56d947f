"""Start programs to measure, see them end, and tell what CPU time and memory they took."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil  # type: ignore[import-untyped]  # it has no stubs of its own

import heyday
from benchmarks import stub
from tests.chaos.waiting import wait_until

ROOT = Path(__file__).parents[1]
_CODE = (Path(heyday.__file__).parents[1], ROOT)
_PATIENCE = 120.0
HEYDAY = (sys.executable, "-m", "heyday")


@dataclass(frozen=True, slots=True)
class Program:
    """Hold one process, and the file that it writes to."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @property
    def pid(self) -> int:
        """Return its number."""
        return self.process.pid

    def said(self) -> str:
        """Return all that it wrote."""
        return self.log.read_text("utf-8", errors="replace")

    async def until_said(self, text: str) -> str:
        """Return what it wrote, once a text is in there. Raises RuntimeError if it ends before."""

        async def look() -> str | None:
            if self.process.returncode is not None:
                raise RuntimeError(
                    f"{self.name} ended before it said {text}: {self.said()[-2000:]}"
                )
            said = self.said()
            return said if text in said else None

        return await wait_until(look, _PATIENCE, f"{text} from {self.name}")

    async def stop(self) -> None:
        """Ask it to end, and see it end; harmless when repeated."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        await self.process.wait()


@contextlib.asynccontextmanager
async def running(
    name: str, command: Sequence[str], settings: Mapping[str, str], folder: Path
) -> AsyncIterator[Program]:
    """Lend a process with these settings and no others, in a folder where no .env is."""
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=environment(settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    program = Program(name, process, log)
    try:
        yield program
    finally:
        await program.stop()


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return what a process gets: the code that this one runs, and its settings."""
    return {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(map(str, _CODE)), **settings}


@contextlib.asynccontextmanager
async def started(
    kinds: Iterable[tuple[str, Sequence[str], int]], settings: Mapping[str, str], folder: Path
) -> AsyncIterator[list[Program]]:
    """Lend Heyday's processes, all at work. kinds: a role, the program that plays it, how many."""
    async with AsyncExitStack() as stack:
        programs = [
            await stack.enter_async_context(
                running(f"{role}-{number}", (*program, role), settings, folder)
            )
            for role, program, count in kinds
            for number in range(count)
        ]
        for program in programs:
            await program.until_said('"started"')
        yield programs


async def run_heyday(*words: str, settings: Mapping[str, str], folder: Path) -> str:
    """Run a command to its end; return what it printed. Raises RuntimeError where it fails."""
    process = await asyncio.create_subprocess_exec(
        *(*HEYDAY, *words),
        cwd=folder,
        env=environment(settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"heyday {' '.join(words)}: {error.decode()[-2000:]}")
    return out.decode()


@dataclass(frozen=True, slots=True)
class Provider:
    """Hold the stub: its process, where it listens, and where it notes what came."""

    program: Program
    url: str
    received: Path

    async def count(self) -> int:
        """Return how many greetings it has had."""
        async with aiohttp.request("GET", f"{self.url}/count") as answer:
            return int((await answer.json())["greetings"])


@contextlib.asynccontextmanager
async def provider(folder: Path, latency: float = 0.0) -> AsyncIterator[Provider]:
    """Lend a provider that accepts everything, after so many seconds."""
    received = folder / "received"
    words = ("--log", str(received), "--latency", str(latency))
    command = (sys.executable, "-m", stub.__name__, *words)
    async with running("provider", command, {}, folder) as program:
        said = await program.until_said("\n")
        yield Provider(program, said.strip(), received)


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time that these processes, and all that they have started, took so far."""
    seconds = 0.0
    for pid in pids:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            try:
                seconds += sum(process.cpu_times()[:4])  # its own, and of children that ended
            except psutil.NoSuchProcess:
                continue  # its parent has its time now
    return seconds


def peak_mib(pid: int) -> float:
    """Return the most memory that a process ever had; the present one where nobody keeps count."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text("ascii").splitlines() if status.exists() else []
    kib = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), None)
    return kib / 1024 if kib else mib(pid)


def mib(pid: int) -> float:
    """Return the memory that a process has now."""
    return float(psutil.Process(pid).memory_info().rss) / 2**20
