"""Give scenarios a PostgreSQL and a nursery, whose clocks can be set where that is asked for."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.chaos.processes import Nursery, open_nursery
from tests.chaos.server import Server, open_server

_FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib")
_NAMES = (
    "faketime/libfaketime.so.1",
    "*/faketime/libfaketime.so.1",
    "faketime/libfaketime.1.dylib",
)
_ADVICE = (
    "the clock faults need libfaketime: apt install libfaketime (Debian, Ubuntu), "
    "or leave them out with --only"
)


class NoFaketime(Exception):
    """Say that libfaketime is not here and cannot be had."""


@dataclass(frozen=True, slots=True)
class FakeClock:
    """Set the clock of the processes that read this file; the machine's own stays."""

    path: Path

    def shift(self, by: timedelta) -> None:
        """Let the clock be so far from the machine's."""
        new = self.path.with_suffix(".new")
        new.write_text(f"{by.total_seconds():+.0f}\n", "utf-8")
        new.chmod(0o644)
        new.rename(self.path)

    def environment(self, library: Path) -> dict[str, str]:
        """Return what makes a process read it, at every look at a clock that can be set."""
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self.path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


@dataclass(frozen=True, slots=True)
class Ground:
    """Hold what scenarios that do not run at the same time may share.

    heyday_clock, server_clock: where these can be set.
    """

    server: Server
    nursery: Nursery
    heyday_clock: FakeClock | None = None
    server_clock: FakeClock | None = None

    def shift(self, by: timedelta, *, with_server: bool) -> None:
        """Set Heyday's clock, and PostgreSQL's with it, so far from the machine's."""
        assert self.heyday_clock
        assert self.server_clock
        self.heyday_clock.shift(by)
        if with_server:
            self.server_clock.shift(by)


@contextlib.asynccontextmanager
async def open_ground(folder: Path, *, is_faked: bool = False) -> AsyncIterator[Ground]:
    """Lend a ground. Raises NoFaketime."""
    folder.mkdir(parents=True)
    async with AsyncExitStack() as stack:
        if not is_faked:
            server = await stack.enter_async_context(open_server(folder))
            yield Ground(server, await stack.enter_async_context(open_nursery()))
            return
        library = find_faketime()
        # PostgreSQL may run as another account, which has to read its file.
        folder.chmod(0o755)
        clocks = [FakeClock(folder / f"{name}.faketime") for name in ("heyday", "postgresql")]
        for clock in clocks:
            clock.shift(timedelta())
        ours, servers = (clock.environment(library) for clock in clocks)
        server = await stack.enter_async_context(open_server(folder, servers))
        nursery = await stack.enter_async_context(open_nursery(ours))
        yield Ground(server, nursery, *clocks)


def find_faketime() -> Path:
    """Return the library, installed where we may. Raises NoFaketime."""
    if found := _look():
        return found
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        raise NoFaketime(_ADVICE)
    environment = {"PATH": os.defpath, "DEBIAN_FRONTEND": "noninteractive"}
    install = [apt, "install", "-qq", "-y", "--no-install-recommends", "libfaketime"]
    for command in ([apt, "update", "-qq"], install):
        subprocess.run(command, env=environment, capture_output=True, check=False)
    if found := _look():
        return found
    raise NoFaketime(f"apt-get could not install it; {_ADVICE}")


def _look() -> Path | None:
    for folder in map(Path, _FOLDERS):
        for name in _NAMES:
            if found := next(folder.glob(name), None):
                return found
    return None
