"""Hold the API to its own description: schemathesis, with all its checks, on a running API."""

import asyncio
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.server import Api

_CONFIG = Path(__file__).with_name("schemathesis.toml")
_ROOT = _CONFIG.parents[2]
_GENERATED = re.compile(r"([\d,]+) generated")
_MOST_RUNS = 20
_LINKS = re.compile(r"([\d,]+) covered")


@dataclass(frozen=True)
class Verdict:
    """Hold what schemathesis found.

    cases: how many it made.   links: from a reply to a request that it followed.   text: all it
    said.
    """

    status: int
    cases: int
    links: int
    text: str


async def hold_to_description(api: Api, folder: Path, *, seed: int, examples: int) -> Verdict:
    """Let it make so many cases for each operation and each chain of operations."""
    phases = ("--phases", "examples,coverage,fuzzing,stateful", "--mode", "all")
    return await _run(api, folder, [*phases, *_amount(seed, examples)])


async def follow_links(
    api: Api, folder: Path, *, seed: int, examples: int, least: int = 1
) -> Verdict:
    """Let it go from what was made to what can be done with it; people are ones that are taken.

    By chance alone hardly anybody is made, as no zone that it makes up is one. It ends a run soon
    where nothing new comes of it, so there are as many runs as it takes to follow `least` links.
    """
    phases = ("--phases", "stateful", "--mode", "positive")
    cases = links = 0
    text = ""
    for run in range(_MOST_RUNS):
        words = [*phases, *_amount(seed + run, examples)]
        verdict = await _run(api, folder, words, hooks="tests.fuzz.hooks")
        cases, links, text = cases + verdict.cases, links + verdict.links, verdict.text
        if verdict.status or links >= least:
            return Verdict(verdict.status, cases, links, text)
    return Verdict(0, cases, links, text)


def _amount(seed: int, examples: int) -> Sequence[str]:
    return ("--seed", str(seed), "--max-examples", str(examples))


async def _run(api: Api, folder: Path, given: Sequence[str], hooks: str = "") -> Verdict:
    words = [
        *("--config-file", str(_CONFIG), "run", f"{api.url}/openapi.json", "--checks", "all"),
        *given,
        *("--continue-on-failure", "--no-color"),
        *("--suppress-health-check", "all", "--warnings", "off"),
    ]
    for name, value in api.headers.items():
        words += ["--header", f"{name}: {value}"]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}  # noqa: TID251 - to be passed on
    if hooks:
        environment["SCHEMATHESIS_HOOKS"] = hooks
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", *words),
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    text = said.decode()
    assert process.returncode is not None
    return Verdict(process.returncode, _count(_GENERATED, text), _count(_LINKS, text), text)


def _count(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return int(found[1].replace(",", "")) if found else 0
