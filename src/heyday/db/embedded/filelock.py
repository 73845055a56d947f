"""Hold locks that the kernel drops by itself when a process ends, however it ends."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

from heyday.db.embedded.accounts import open_private

if sys.platform != "win32":
    import fcntl

_POLL_SECONDS = 0.05


class FileLock:
    """Lock one file: shared by many processes, or exclusively by one."""

    def __init__(self, path: Path) -> None:
        self._fd = open_private(path, os.O_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def share(self) -> None:
        """Take the lock together with others; waits while one process has it exclusively."""
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def is_taken_at_once(self) -> bool:
        """Try to take the lock exclusively; a share held before is given up either way."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def take(self, pause: Callable[[float], object]) -> None:
        """Take the lock exclusively. `pause` (seconds) is called while another has it."""
        while not self.is_taken_at_once():
            pause(_POLL_SECONDS)

    def release(self) -> None:
        """Let go of the lock; harmless when repeated."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
