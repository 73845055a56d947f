"""Do what no greeting waits for: forget old replies and tokens, turn the audit log's months."""

from collections.abc import Mapping

from heyday.domain.audit import AuditStore
from heyday.domain.ports import Clock
from heyday.services.events import EventService
from heyday.services.replies import ReplyService


class UpkeepService:
    """Keep small what grows by itself. Recovery calls it.

    keep_audit: for how many whole months lines of the audit log stay; 0: for ever.
    """

    def __init__(
        self,
        replies: ReplyService,
        audit: AuditStore,
        events: EventService,
        clock: Clock,
        keep_audit: int,
    ) -> None:
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
            "audit_months_created": months.created,
            "audit_months_dropped": months.dropped,
        }
        return {name: count for name, count in counts.items() if count}
