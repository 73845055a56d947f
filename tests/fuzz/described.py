"""Hold the API to its own description: schemathesis, with all its checks, on a running API."""

import asyncio
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.server import Api

_CONFIG = Path(__file__).with_name("schemathesis.toml")
_GENERATED = re.compile(r"([\d,]+) generated")


@dataclass(frozen=True)
class Verdict:
    """Hold what schemathesis found. cases: how many it made.   text: all it said."""

    status: int
    cases: int
    text: str


async def hold_to_description(api: Api, folder: Path, *, seed: int, examples: int) -> Verdict:
    """Let it make so many cases for each operation and each chain of operations."""
    words = [
        *("--config-file", str(_CONFIG), "run", f"{api.url}/openapi.json"),
        *("--phases", "examples,coverage,fuzzing,stateful", "--checks", "all", "--mode", "all"),
        *("--seed", str(seed), "--max-examples", str(examples)),
        *("--continue-on-failure", "--no-color"),
        *("--suppress-health-check", "all", "--warnings", "off"),
    ]
    for name, value in api.headers.items():
        words += ["--header", f"{name}: {value}"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", *words),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    text = said.decode()
    generated = _GENERATED.search(text)
    cases = int(generated[1].replace(",", "")) if generated else 0
    assert process.returncode is not None
    return Verdict(process.returncode, cases, text)
