"""Say what figures were measured on."""

import os
import platform
import statistics
import time
from pathlib import Path

_SYNCS = 200
_PAGE = b"\0" * 8192


def describe(folder: Path) -> dict[str, str]:
    """Return facts about this machine; `folder` is where the database lies."""
    return {
        "CPU": _cpu(),
        "cores": str(os.cpu_count()),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "fdatasync of 8 KiB": f"{_fdatasync_seconds(folder) * 1e6:.0f} us",
        "Python": platform.python_version(),
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _fdatasync_seconds(folder: Path) -> float:
    """Return how long the disk takes to keep one page, as a median."""
    path = folder / "fdatasync"
    taken = []
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for _ in range(_SYNCS):
            os.pwrite(fd, _PAGE, 0)
            began = time.perf_counter()
            os.fdatasync(fd)
            taken.append(time.perf_counter() - began)
    finally:
        os.close(fd)
        path.unlink()
    return statistics.median(taken)
