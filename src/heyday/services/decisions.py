"""Say what a person decided about greetings: whether each may move so, and how it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from heyday.domain.errors import Conflict, ResolutionRefused
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.ports import Session
from heyday.domain.resolutions import GreetingRow, check_cancellation, check_resolution
from heyday.domain.transitions import Status
from heyday.services.planning import Planner


@dataclass(frozen=True, slots=True)
class Decision:
    """Hold what greetings are to become, and why.

    skip_before: for each message type, what was scheduled before this is too late to be sent.
    """

    target: Status
    note: str | None
    now: datetime
    skip_before: Mapping[str, datetime]

    def check(self, row: GreetingRow) -> None:
        """Raise IllegalMove or Conflict unless a greeting may move so."""
        if self.target is Status.CANCELLED:
            check_cancellation(row)
        else:
            check_resolution(row, self.target, self.skip_before)

    def may(self, row: GreetingRow) -> bool:
        """Tell whether a greeting may move so."""
        try:
            self.check(row)
        except Conflict:
            return False
        return True

    async def write(self, session: Session, rows: Sequence[GreetingRow]) -> list[UUID]:
        """Move greetings that were locked and checked, with a trace; return the ids of those moved.

        Left out is what FAILED and of which its provider told that it took it.
        """
        moves = session.resolutions
        if not rows:
            return []
        if self.target is Status.CANCELLED:
            return await moves.cancel(rows, self.now, self.note)
        failed = [row for row in rows if row.status is Status.FAILED]
        unknown = [row for row in rows if row.status is not Status.FAILED]
        moved = []
        if unknown:
            moved += await moves.resolve(unknown, self.target, self.now, self.note)
        if failed:
            moved += await moves.retry_failed(failed, self.now, self.note)
        if self.target is Status.RETRYING:
            await session.plans.announce_due()
        return moved

    async def write_all(self, session: Session, rows: Sequence[GreetingRow]) -> list[UUID]:
        """Move all of the greetings, and return their ids. Raises ResolutionRefused."""
        moved = await self.write(session, rows)
        if left := {row.id for row in rows} - set(moved):
            fault = Conflict("its provider told that it took the letter, so it is not sent again")
            raise ResolutionRefused({str(message_id): fault for message_id in sorted(left)})
        return moved


def decide(planner: Planner, target: Status, note: str | None, now: datetime) -> Decision:
    """Return a decision that is made at an instant."""
    names = [message_type.name for message_type in MESSAGE_TYPES]
    skip_before = planner.claim_rules(now).skip_before
    return Decision(target, note, now, dict(zip(names, skip_before, strict=True)))
