"""Build what notes sends outside the database, and what a restore of it needs."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from heyday.db.connection import Database
from heyday.db.restores import RestoreRepository
from heyday.db.secrets import agree_on_secret
from heyday.domain.ports import Clock, ClockGuard
from heyday.domain.send_ports import NO_LEDGER, SendLedger
from heyday.domain.tzdb import PINNED
from heyday.sends.files import FileLedger
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


def build_ledger(
    settings: Settings, folder: Path | None, clock: Clock, metrics: Metrics
) -> SendLedger:
    """Return what notes sends. A letter in the local mailbox never leaves the database."""
    if folder is None:
        return NO_LEDGER
    return FileLedger(folder, clock, metrics, settings.keep_sends, {SenderName.INBOX})


def guard_restores(
    database: Database, ledger: SendLedger, clocks: ClockGuard, clock: Clock, metrics: Metrics
) -> RestoreGuard:
    """Return what lets nothing leave a database that was restored."""
    store = RestoreRepository(database, PINNED.version)
    return RestoreGuard(store, ledger, clocks, clock, metrics)


def build_restores(
    database: Database,
    ledger: SendLedger,
    plan: Callable[[], Awaitable[Mapping[str, int]]],
    clock: Clock,
) -> RestoreService:
    """Return what brings a restored database up to a ledger."""
    return RestoreService(RestoreRepository(database, PINNED.version), ledger, plan, clock)
