"""Say which greetings are wanted, and at which place of their list to go on."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from heyday.domain.transitions import Status

LOOK_BACK = timedelta(days=31)
"""How far back a list begins that nobody has bounded."""

# A greeting leaves at most two days from its delivery date, whatever zone and missing date.
_REACH = timedelta(days=2)
_EARLIEST_ON, _LATEST_ON = date(1900, 1, 1), date(9000, 1, 1)
_EVER = datetime(1900, 1, 1, tzinfo=UTC)


PLACE = r"^[0-9]{1,17}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
"""What a place in a list looks like: microseconds since 1970, and an id."""

_PLACE = re.compile(PLACE, re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Point between two greetings of a list: after the one of this instant and id."""

    scheduled_send_at: datetime
    message_id: UUID

    def __str__(self) -> str:
        """Return it as `read_place` takes it."""
        return f"{(self.scheduled_send_at - _EPOCH) // _MICROSECOND}-{self.message_id}"


def read_place(given: str) -> Place:
    """Return the place that a list named as the next one. Raises ValueError."""
    if not _PLACE.fullmatch(given):
        raise ValueError("expected a place as a list gave it")
    microseconds, _, message_id = given.partition("-")
    return Place(_EPOCH + int(microseconds) * _MICROSECOND, UUID(message_id))


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Say which greetings are wanted; what is None is all the same.

    scheduled_from, scheduled_until: bounds of the instant, the second not included.
    delivered_from, delivered_to: bounds of the delivery date, both included.
    timezone: as it was planned by.   sender: through whom it left, or was last to leave.
    late_at: those that were sent more than a minute late, or are that late now, at this instant.
    """

    status: Status | None = None
    message_type: str | None = None
    user_id: UUID | None = None
    is_ambiguous: bool | None = None
    scheduled_from: datetime | None = None
    scheduled_until: datetime | None = None
    delivered_from: date | None = None
    delivered_to: date | None = None
    timezone: str | None = None
    sender: str | None = None
    late_at: datetime | None = None

    def bounded(self, now: datetime) -> "MessageFilter":
        """Return the filter with bounds that lead PostgreSQL to the right months.

        Those of the delivery date bound the instant as well. Where nothing bounds the beginning,
        the list begins a month ago; unless it is one person's, or of what waits for a decision,
        which are few and found by an index.
        """
        earliest, latest = self.scheduled_from, self.scheduled_until
        if self.delivered_from:
            near = _midnight(self.delivered_from) - _REACH
            earliest = max(earliest, near) if earliest else near
        if self.delivered_to:
            near = _midnight(self.delivered_to) + timedelta(days=1) + _REACH
            latest = min(latest, near) if latest else near
        if earliest is None:
            is_short = self.user_id is not None or self.status is Status.UNKNOWN
            earliest = _EVER if is_short else min(now, latest or now) - LOOK_BACK
        return replace(self, scheduled_from=earliest, scheduled_until=latest)


def _midnight(on: date) -> datetime:
    return datetime.combine(min(max(on, _EARLIEST_ON), _LATEST_ON), time(), UTC)
