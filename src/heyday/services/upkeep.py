"""Do what no greeting waits for: forget what is over, keep days, turn the audit log's months."""

from collections.abc import Mapping

from heyday.domain.audit import AuditStore
from heyday.domain.ports import Clock
from heyday.domain.session_ports import SessionStore
from heyday.services.day_keeping import DayKeepingService
from heyday.services.events import EventService
from heyday.services.replies import ReplyService


class UpkeepService:
    """Keep small what grows by itself. Recovery calls it.

    keep_audit: for how many whole months lines of the audit log stay; 0: for ever.   days: what
    keeps the figures of days that are over.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one parameter for each part that it looks after
        self,
        replies: ReplyService,
        audit: AuditStore,
        events: EventService,
        clock: Clock,
        keep_audit: int,
        sessions: SessionStore,
        days: DayKeepingService,
    ) -> None:
        self._sessions = sessions
        self._days = days
        self._events = events
        self._replies = replies
        self._audit = audit
        self._clock = clock
        self._keep_audit = keep_audit

    async def run(self) -> Mapping[str, int]:
        """Tidy up; return what was done, nothing that was not."""
        months = await self._audit.keep(self._clock.now(), self._keep_audit)
        counts = {
            "forgotten_replies": await self._replies.forget_old(),
            "forgotten_tokens": await self._events.forget(),
            "forgotten_sessions": await self._sessions.forget(self._clock.now()),
            "audit_months_created": months.created,
            "audit_months_dropped": months.dropped,
            # Last: of a day with very many greetings it takes seconds.
            "days_kept": await self._days.run(),
        }
        return {name: count for name, count in counts.items() if count}
