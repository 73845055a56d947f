"""Show from outside that a process lives, where there is no port to ask: in a container."""

from datetime import timedelta
from pathlib import Path

import structlog

from heyday.domain.errors import ConfigurationError
from heyday.domain.ports import Clock

log = structlog.get_logger()

EVERY = timedelta(seconds=5)


class Heartbeat:
    """Touch a file every few seconds: whoever finds it old knows that the process stands still."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    async def run(self) -> None:
        """Beat until cancelled. Raises ConfigurationError if the first beat fails."""
        try:
            self._path.touch()
        except OSError as error:
            raise ConfigurationError(
                f"HEYDAY_HEARTBEAT={self._path} cannot be written ({error.strerror}); expected a "
                "file in a folder that Heyday may write to, such as /tmp/heartbeat"
            ) from None
        while True:
            await self._clock.sleep_until(self._clock.now() + EVERY)
            self.run_once()

    def run_once(self) -> None:
        """Beat once. A full disk is no reason to greet nobody: whoever looks will see it."""
        try:
            self._path.touch()
        except OSError as error:
            log.warning("heartbeat_failed", error=type(error).__name__)
