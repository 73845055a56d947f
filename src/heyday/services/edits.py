"""Change a person, and tell how the greetings moved that are still to come."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from heyday.domain.cases import Verdict
from heyday.domain.models import User
from heyday.services.explaining import CaseReport, ExplanationService
from heyday.services.users import UserService


@dataclass(frozen=True, slots=True)
class Shift:
    """Say how the next greeting of a type moved. *_at: when it leaves; None: it does not."""

    message_type: str
    from_at: datetime | None
    from_zone: str
    to_at: datetime | None
    to_zone: str


@dataclass(frozen=True, slots=True)
class Edited:
    """Hold a person as they are now, and what their edit moved."""

    user: User
    shifts: Sequence[Shift]


class EditService:
    """Overwrite people as UserService does, and compare what comes next before and after."""

    def __init__(self, users: UserService, explanations: ExplanationService) -> None:
        self._users = users
        self._explanations = explanations

    async def replace(
        self, user_id: UUID, fields: Mapping[str, object], expected: Collection[str] | None = None
    ) -> Edited:
        """Overwrite a person; an absent optional field is emptied.

        Raises NotFound, Changed, InvalidInput, EmailTaken.
        """
        before = await self._explanations.explain(str(user_id))
        user = await self._users.replace(user_id, fields, expected)
        after = await self._explanations.explain(str(user_id))
        return Edited(user, find_shifts(before, after))


def find_shifts(before: CaseReport, after: CaseReport) -> list[Shift]:
    """Return the greetings that leave at another instant, or no more, or now do.

    What was sent, or may have been, stays where it is.
    """
    shifts = []
    for old, new in zip(before.explanations, after.explanations, strict=True):
        is_open = {old.verdict, new.verdict} <= {Verdict.WILL, Verdict.NOT}
        if is_open and old.send_at != new.send_at:
            zones = before.person.timezone, after.person.timezone
            shifts.append(Shift(old.message_type, old.send_at, zones[0], new.send_at, zones[1]))
    return shifts
