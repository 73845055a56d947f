"""Look, some hundred times a second, at what Heyday's workers are doing."""

import asyncio
import contextlib
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.peers.measuring import VENV

ELSEWHERE = "the event loop itself"
_RATE = 200
# What runs the loop is below every stack, and does nothing while that runs.
_FILE = re.compile(r" \((?:\S*/)?heyday/(?!cli/)(\S+?\.py)(?::\d+)?\)$")


@contextlib.asynccontextmanager
async def sampled(pids: Sequence[int], folder: Path) -> AsyncIterator[list[Path]]:
    """Lend files that have the stacks that were seen, one for each process, when it is over.

    A stack is seen only while its process is running on a core. Raises RuntimeError if py-spy may
    not look: it needs to be root, or a kernel that lets an account look at its own processes.
    """
    files = [folder / f"stacks-{pid}" for pid in pids]
    spies = [await _spy(pid, file) for pid, file in zip(pids, files, strict=True)]
    try:
        yield files
    finally:
        for spy in spies:
            if spy.returncode is None:
                spy.send_signal(signal.SIGINT)
        said = [(await spy.communicate())[0] for spy in spies]
    if not all(file.exists() for file in files):
        raise RuntimeError(f"py-spy saw nothing: {b' '.join(said).decode()[-500:]}")


async def _spy(pid: int, file: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(str(VENV / "bin" / "py-spy"), "record", "--pid", str(pid), "--rate", str(_RATE)),
        *("--format", "raw", "--output", str(file)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


def by_module(stacks: Iterable[str]) -> Mapping[str, int]:
    """Return how often each of Heyday's modules was at work, or what it had called.

    stacks: lines of `outermost;...;innermost COUNT`, each frame as `function (file:line)`.
    """
    seen = Counter[str]()
    for line in stacks:
        frames, _, count = line.rstrip().rpartition(" ")
        found = (match[1] for each in reversed(frames.split(";")) if (match := _FILE.search(each)))
        seen[next(found, ELSEWHERE)] += int(count)
    return seen
