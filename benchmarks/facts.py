"""Say what the suite was measured on: the machine, its disk, and the programs."""

import asyncio
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no stubs of its own

from benchmarks import machine
from benchmarks.ground import open_ground
from benchmarks.plan import settings_of
from heyday.db.embedded.binaries import find_binaries, find_installed_servers
from tests import rabbitmq

_LIBRARIES = ("aiohttp", "asyncpg", "uvloop", "aio-pika")
_FSYNC = re.compile(r"^\s+fdatasync\s+([\d.]+) ops/sec", re.MULTILINE)
_RABBITMQ = Path("/usr/lib/rabbitmq/lib")


async def gather(folder: Path) -> dict[str, str]:
    """Return facts by name. folder: on the disk where databases are going to lie."""
    facts = machine.describe(folder) | {"disk": _disk(folder)}
    if synced := await asyncio.to_thread(_test_fsync, folder):
        facts["pg_test_fsync, fdatasync of 8 KiB"] = synced
    facts |= {name: version(name) for name in _LIBRARIES}
    if rabbitmq.is_installed():
        facts["RabbitMQ"] = _rabbitmq_version()
    async with open_ground(folder / "ground") as ground:
        return facts | await settings_of(ground.url)


def _rabbitmq_version() -> str:
    found = sorted(path.name for path in _RABBITMQ.glob("rabbitmq_server-*"))
    return found[-1].partition("-")[2] if found else "installed"


def _disk(folder: Path) -> str:
    """Return the file system that a folder lies on, and its device."""
    path = folder.resolve()
    mounts = {Path(part.mountpoint): part for part in psutil.disk_partitions(all=True)}
    for parent in (path, *path.parents):
        if part := mounts.get(parent):
            return f"{part.fstype} on {part.device}"
    return "unknown"


def _test_fsync(folder: Path) -> str | None:
    """Return what PostgreSQL's own program says of the disk; None where it is not installed."""
    for programs in (find_binaries(), *find_installed_servers()):
        if (program := programs / "pg_test_fsync").exists():
            command = [str(program), "-s", "1", "-f", str(folder / "fsync")]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found = _FSYNC.search(said)
            return f"{float(found[1]):,.0f} a second" if found else None
    return None
