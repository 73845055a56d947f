"""Run imports that were handed in by the API, in the process that serves it."""

from datetime import timedelta

import structlog

from heyday.domain.ports import Clock, Wakeup
from heyday.services.import_running import ImportRunner

log = structlog.get_logger()

# A job is announced. These looks find one whose announcement was lost, or whose process died.
LOOK_EVERY = timedelta(seconds=5)
_AFTER_FAILURE = timedelta(seconds=5)


class ImportWorker:
    """Wait for jobs, and have them run."""

    def __init__(self, runner: ImportRunner, wakeup: Wakeup, clock: Clock) -> None:
        self._runner = runner
        self._wakeup = wakeup
        self._clock = clock

    async def run(self) -> None:
        """Run every job that waits, until cancelled. A fault delays, never ends it."""
        while True:
            try:
                if await self._runner.run_once():
                    continue
            except Exception as error:  # noqa: BLE001 - whoever claims the job next goes on
                log.warning("import_failed", error=type(error).__name__)
                await self._clock.sleep_until(self._clock.now() + _AFTER_FAILURE)
                continue
            await self._wakeup.wait_until(self._clock.now() + LOOK_EVERY)
