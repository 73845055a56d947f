"""Add up what a ledger of sends says of each greeting. Source: docs/adr/0053."""

from dataclasses import dataclass, field
from datetime import datetime

from heyday.domain.delivery import OutcomeKind


@dataclass(slots=True)
class NotedSend:
    """Hold what is noted of one key, by all workers.

    due_at: when its row was to leave.   accepted_at: when a provider took it.   doubts: how many
    attempts were ambiguous.   in_doubt_since: when the first of them was made.
    """

    due_at: datetime
    sender: str | None
    accepted_at: datetime | None = None
    doubts: int = 0
    in_doubt_since: datetime | None = None
    _open: list[datetime] = field(default_factory=list)

    def begin(self, at: datetime, sender: str | None) -> None:
        """Take in that a call was about to be made."""
        self._open.append(at)
        if self.accepted_at is None:
            self.sender = sender

    def end(self, at: datetime, outcome: str) -> None:
        """Take in what came of it."""
        began_at = self._open.pop() if self._open else at
        if outcome == OutcomeKind.ACCEPTED:
            self.accepted_at = self.accepted_at or at
        elif outcome == OutcomeKind.AMBIGUOUS:
            self._doubt(began_at)

    def close(self) -> None:
        """Take every call of which nothing more was noted for an ambiguous one."""
        for began_at in self._open:
            self._doubt(began_at)
        self._open.clear()

    @property
    def is_in_doubt(self) -> bool:
        """Tell whether nobody can say if a provider took it."""
        return self.accepted_at is None and self.doubts > 0

    def _doubt(self, at: datetime) -> None:
        self.doubts += 1
        self.in_doubt_since = min(self.in_doubt_since or at, at)
