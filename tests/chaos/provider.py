"""Run the provider as a process of its own, and read what it wrote down."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.chaos.processes import ROOT


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Say how the provider is to be.

    faults: the share of requests that meet one of `acts`, each by its weight.   latency: seconds
    for a request.
    """

    faults: float = 0.0
    acts: Mapping[str, int] = field(default_factory=dict)
    latency: float = 0.03


@dataclass(frozen=True, slots=True)
class Request:
    """Hold one request as the provider noted it.

    accepted: how often it had accepted the key by then, this request included.   together: how many
    messages came by the same call.
    """

    key: str
    email: str
    message: str
    received_at: datetime
    act: str
    accepted: int
    together: int = 1


def read_log(path: Path) -> Iterator[Request]:
    """Yield what a provider noted, in order, up to a line that it is still writing."""
    with path.open(encoding="utf-8") as log:
        for line in log:
            if not line.endswith("\n"):
                return
            noted = json.loads(line)
            at = datetime.fromisoformat(noted["received_at"])
            yield Request(
                *(noted["key"], noted["email"], noted["message"], at),
                *(noted["act"], noted["accepted"], noted["together"]),
            )


@contextlib.asynccontextmanager
async def open_provider(
    log: Path, behaviour: Behaviour, *, honours_keys: bool, seed: int
) -> AsyncIterator[str]:
    """Lend the address of a provider in a process of its own, on the machine's own clock."""
    words = ["--port", "0", "--seed", str(seed), "--log", str(log)]
    words += ["--faults", str(behaviour.faults), "--latency", str(behaviour.latency)]
    if behaviour.acts:
        words += ["--acts", ",".join(f"{act}:{n}" for act, n in behaviour.acts.items())]
    words += [] if honours_keys else ["--no-keys"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.provider", *words),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()
