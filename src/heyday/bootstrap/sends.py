"""Build what notes sends outside the database, and what a restore of it needs."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from heyday.clock import SteadyClock
from heyday.db.clock import PostgresClock
from heyday.db.connection import Database
from heyday.db.restores import RestoreRepository
from heyday.db.secrets import agree_on_secret
from heyday.domain.send_ports import NO_LEDGER, SendLedger
from heyday.domain.tzdb import PINNED
from heyday.sends.files import FileLedger
from heyday.services.clock_guard import ClockGuardService, GuardConfig
from heyday.services.restores import RestoreGuard, RestoreService
from heyday.settings import Settings
from heyday.settings.choices import SenderName
from heyday.telemetry import Metrics

_NAME, _BYTES = "sends", 16


async def find_sends(settings: Settings, database: Database) -> Path | None:
    """Return where sends of this database are noted; None: nowhere.

    Another database, which has another name for itself, has another folder. It keeps that name
    through every backup.
    """
    folder = settings.sends_folder
    if folder is None:
        return None
    name = await agree_on_secret(database, _NAME, secrets.token_bytes(_BYTES))
    return folder / name.hex()


@dataclass(frozen=True)
class SendParts:
    """Hold the parts.   folder: where sends are noted; None: nowhere."""

    settings: Settings
    folder: Path | None
    database: Database
    clock: SteadyClock
    metrics: Metrics

    @cached_property
    def ledger(self) -> SendLedger:
        """Return what notes sends. A letter in the local mailbox never leaves the database."""
        if self.folder is None:
            return NO_LEDGER
        keep, unnoted = self.settings.keep_sends, {SenderName.INBOX}
        return FileLedger(self.folder, self.clock, self.metrics, keep, unnoted)

    def guard(self) -> RestoreGuard:
        """Return what lets nothing leave a database that was restored, nor at a doubtful time."""
        reader = PostgresClock(self.database, self.clock)
        config = GuardConfig(self.settings.clock_tolerance)
        clocks = ClockGuardService(self.clock, reader, self.metrics, config)
        return RestoreGuard(self._store, self.ledger, clocks, self.clock, self.metrics)

    def restores(self, plan: Callable[[], Awaitable[Mapping[str, int]]]) -> RestoreService:
        """Return what brings a restored database up to the ledger."""
        return RestoreService(self._store, self.ledger, plan, self.clock)

    @cached_property
    def _store(self) -> RestoreRepository:
        return RestoreRepository(self.database, PINNED.version)
