"""A command in a terminal: what it says, and how a person at the keys ends it."""

import os
import pty
import re
import select
import subprocess
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Self, TypeVar

T = TypeVar("T")

_CTRL_C = b"\x03"
_PAUSE = 0.1
# How much of what it said a fault shows.
_SHOWN = 4000


class Terminal:
    """A command that stays, with a terminal of its own."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self.text = ""
        self._keys, screen = pty.openpty()
        self._process = subprocess.Popen(
            words, env=environment, stdin=screen, stdout=screen, stderr=screen
        )
        os.close(screen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._keys)

    def until(self, look: Callable[[], T | None], seconds: float, wanted: str) -> T:
        """Read on until there is what is looked for; return that.

        wanted: its name in the AssertionError that is raised if it never comes.
        """
        end = perf_counter() + seconds
        while True:
            lives = self._read()
            if (found := look()) is not None:
                return found
            assert lives, f"it ended without {wanted}, saying:\n{self.text[-_SHOWN:]}"
            assert perf_counter() < end, (
                f"no {wanted} in {seconds:.0f} s; it said:\n{self.text[-_SHOWN:]}"
            )

    def said(self, pattern: str, seconds: float) -> re.Match[str]:
        """Return once it has said what the pattern matches."""
        return self.until(lambda: re.search(pattern, self.text), seconds, repr(pattern))

    def stop(self, seconds: float) -> None:
        """Press Ctrl-C, which all of them get, and wait for the end."""
        os.write(self._keys, _CTRL_C)
        end = perf_counter() + seconds
        while self._read() or self._process.poll() is None:
            assert perf_counter() < end, (
                f"still there {seconds:.0f} s after Ctrl-C; it said:\n{self.text[-_SHOWN:]}"
            )

    def _read(self) -> bool:
        """Take what there is to read in a moment; return False once nobody can write any more."""
        end = perf_counter() + _PAUSE
        while (left := end - perf_counter()) > 0:
            if select.select([self._keys], [], [], left)[0]:
                try:
                    self.text += os.read(self._keys, 65536).decode("utf-8", "replace")
                except OSError:  # Linux tells of the end so.
                    return False
        return True
