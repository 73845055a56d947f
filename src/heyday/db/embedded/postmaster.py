"""Find, and stop, the server process that a data folder's lock file names."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from heyday.domain.errors import EmbeddedServerError

_POLL_SECONDS = 0.02
_STATUS_LINE = 7
_PORT_LINE = 3
# Fast shutdown first; then at once, which loses nothing but costs the next start a recovery.
_STOP_STEPS = ((signal.SIGINT, 5.0), (signal.SIGQUIT, 4.0))


@dataclass(frozen=True, slots=True)
class Postmaster:
    """Describe the server that has, or had, a data folder."""

    pid: int
    data_dir: str
    port: int
    is_ready: bool

    def is_alive(self) -> bool:
        """Tell whether the process is there, and is this server."""
        return self.data_dir in _command_line(self.pid)


def read_postmaster(data: Path) -> Postmaster | None:
    """Return what `postmaster.pid` says, true or stale; None if it is missing or cut off."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) <= _PORT_LINE:
        return None
    is_ready = "".join(lines[_STATUS_LINE:]).strip() == "ready"
    return Postmaster(abs(int(lines[0])), lines[1], int(lines[_PORT_LINE]), is_ready)


def find_postmaster(data: Path) -> Postmaster | None:
    """Return the live server of this data folder, ready or not."""
    found = read_postmaster(data)
    return found if found and found.is_alive() else None


def adopt_stale_lock(data: Path) -> None:
    """Put our own process number into the lock file of a server that is proven gone.

    PostgreSQL refuses to start while the number in there belongs to any process: one that the
    system has not yet buried, or, after a container's restart, a stranger. It takes its parent's
    number for stale. The rest of the file stays, so PostgreSQL still sees from the shared memory
    named in it whether an orphan of the old server is at work, which deleting it would hide.
    """
    path = data / "postmaster.pid"
    stale = read_postmaster(data)
    if stale is None:
        # Cut off while being written: nothing in it that could be lost.
        path.unlink(missing_ok=True)
        return
    _, rest = path.read_text().split("\n", 1)
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
    with os.fdopen(fd, "w") as file:
        file.write(f"{os.getpid()}\n{rest}")


def stop_postmaster(data: Path, pause: Callable[[float], object]) -> None:
    """Stop the server of this data folder, if there is one, and wait until it is gone.

    Raises EmbeddedServerError if it outlives even an immediate shutdown.
    """
    server = find_postmaster(data)
    if server is None:
        return
    for how, patience in _STOP_STEPS:
        with suppress(ProcessLookupError):
            os.kill(server.pid, how)
        for _ in range(round(patience / _POLL_SECONDS)):
            if not server.is_alive():
                return
            pause(_POLL_SECONDS)
    raise EmbeddedServerError(
        f"PostgreSQL in {data} did not stop within {sum(s for _, s in _STOP_STEPS):.0f} s; "
        f"see the log beside it, then stop it by hand (its process is named in postmaster.pid)"
    )


def _command_line(pid: int) -> str:
    # A dead process that is not yet buried has none, a stranger with the same number has another.
    if sys.platform == "darwin":
        ask = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
        return subprocess.run(ask, capture_output=True, text=True, check=False).stdout
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
