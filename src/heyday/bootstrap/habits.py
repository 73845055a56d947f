"""Build what the API's habits need: the audit log, kept replies, and what looks after both."""

from dataclasses import dataclass

from heyday.db.audit import AuditRepository
from heyday.db.connection import Database
from heyday.db.days import DayRepository
from heyday.db.replies import ReplyRepository
from heyday.db.web_sessions import WebSessionRepository
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.ports import Clock
from heyday.services.auditing import AuditService
from heyday.services.day_keeping import DayKeepingService
from heyday.services.events import EventService
from heyday.services.replies import ReplyService
from heyday.services.upkeep import UpkeepService
from heyday.settings import Settings


@dataclass(frozen=True, slots=True)
class HabitParts:
    """Hold them."""

    audit: AuditService
    replies: ReplyService
    upkeep: UpkeepService


def build_habits(
    database: Database, events: EventService, clock: Clock, settings: Settings
) -> HabitParts:
    """Return the parts. Writes with a key may take half of the pool, as each holds a connection."""
    store = AuditRepository(database)
    replies = ReplyService(ReplyRepository(database, max(settings.pool_max // 2, 1)), clock)
    sessions = WebSessionRepository(database)
    late_window = max(settings.policies(t.name).late_window for t in MESSAGE_TYPES)
    days = DayKeepingService(DayRepository(database), clock, late_window)
    upkeep = UpkeepService(replies, store, events, clock, settings.keep_audit, sessions, days)
    return HabitParts(AuditService(store), replies, upkeep)
