"""Run the program as a stranger would: as processes of its own, seen from outside."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_COMMAND = (sys.executable, "-m", "heyday")
# What a process may take from this one; everything else would be a setting by accident.
_INHERITED = ("HOME", "LANG", "PATH", "TMPDIR", "PYTHONPATH", "COVERAGE_PROCESS_START")
_PATIENCE = 60.0


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with these settings and no others."""
    here = os.environ  # noqa: TID251 - passed on, not read
    return {name: here[name] for name in _INHERITED if name in here} | dict(settings)


def run(*words: str, cwd: Path, seconds: float = _PATIENCE, **settings: str) -> "Finished":
    """Run one command to its end."""
    done = subprocess.run(
        [*_COMMAND, *words],
        cwd=cwd,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.status in {0, 1}, self.err
        return json.loads(self.out)
