"""Read from an address or a form which greetings are looked for, and write it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from heyday.domain.message_filters import MessageFilter, Place, read_place
from heyday.domain.message_lists import Look, Order
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.transitions import Status
from heyday.domain.tzdb import PINNED

MESSAGES: Final = "/messages"

FIELDS: Final = (
    "status", "type", "from", "to", "zone", "sender", "late", "ambiguous", "person", "order",
)  # fmt: skip
"""What may stand in the address of a list, besides the place at which it goes on."""

AFTER: Final = "after"
_DAY = timedelta(days=1)
_TYPES = frozenset(message_type.name for message_type in MESSAGE_TYPES)
_EARLIEST_ON, _LATEST_ON = date(1900, 1, 2), date(8999, 12, 30)
_LONGEST_SENDER = 20
# Of these nothing is due in the past, so they are read from the front.
_COMING: Final = frozenset({Status.SCHEDULED, Status.QUEUED, Status.RETRYING})
# Of these there are so many that a list begins near the present unless it is bounded.
_MANY: Final = frozenset({None, Status.SENT})


@dataclass(frozen=True, slots=True)
class MessageQuery:
    """Hold what was asked for. given: as it stands in the form.   problems: what makes no sense.

    is_from_now: nobody bounded the list, so it begins at the present.
    """

    given: Mapping[str, str]
    look: Look
    problems: Sequence[tuple[str, str]] = ()
    is_from_now: bool = False

    def path(self, after: Place | None = None) -> str:
        """Return the address of the list, from a place on."""
        pairs = self.fields()
        if after:
            pairs.append((AFTER, str(after)))
        return f"{MESSAGES}?{urlencode(pairs)}" if pairs else MESSAGES

    def fields(self) -> list[tuple[str, str]]:
        """Return the fields that are not empty: what a form hands on."""
        return [(name, self.given[name]) for name in FIELDS if self.given.get(name)]

    @property
    def is_narrow(self) -> bool:
        """Tell whether anything but the order was asked for."""
        return any(name != "order" for name, _ in self.fields())

    @property
    def is_detailed(self) -> bool:
        """Tell whether more was asked for than what a single link asks for."""
        return len([name for name, _ in self.fields() if name != "order"]) > 1


def read_query(params: Mapping[str, str], now: datetime) -> MessageQuery:
    """Return what an address asks for. What makes no sense is named, and looked for nothing."""
    given = {name: str(params.get(name, "")).strip() for name in FIELDS}
    problems: list[tuple[str, str]] = []
    reading = _Reading(given, problems)
    zone = reading.zone()
    wanted = MessageFilter(
        status=reading.status(),
        message_type=reading.kind(),
        user_id=reading.person(),
        is_ambiguous=True if given["ambiguous"] else None,
        scheduled_from=reading.midnight("from", zone),
        scheduled_until=reading.midnight("to", zone, _DAY),
        timezone=zone,
        sender=reading.sender(),
        late_at=now if given["late"] else None,
    )
    order = reading.order(wanted)
    is_unbounded = wanted.scheduled_from is None and wanted.scheduled_until is None
    is_from_now = is_unbounded and wanted.user_id is None and wanted.status in _MANY
    if is_from_now and order is Order.LATEST:
        wanted = replace(wanted, scheduled_until=now)
    elif is_from_now:
        wanted = replace(wanted, scheduled_from=now)
    look = Look(wanted, order, reading.after(str(params.get(AFTER, ""))))
    return MessageQuery({**given, "order": order.value}, look, problems, is_from_now)


class _Reading:
    """Read one field after the other, and note what is wrong with it."""

    def __init__(self, given: Mapping[str, str], problems: list[tuple[str, str]]) -> None:
        self._given = given
        self._problems = problems

    def status(self) -> Status | None:
        text = self._given["status"]
        if not text or text in set(Status):
            return Status(text) if text else None
        self._problems.append(("status", f"is none of: {', '.join(Status)}"))
        return None

    def kind(self) -> str | None:
        text = self._given["type"]
        if text and text not in _TYPES:
            self._problems.append(("type", f"is none of: {', '.join(sorted(_TYPES))}"))
        return text or None

    def zone(self) -> str | None:
        text = self._given["zone"]
        if text and text not in PINNED.served:
            self._problems.append(("zone", "is no IANA time zone, such as Asia/Tokyo"))
            return None
        return text or None

    def sender(self) -> str | None:
        text = self._given["sender"]
        if len(text) > _LONGEST_SENDER or not text.isprintable():
            self._problems.append(("sender", "is no sender's name"))
            return None
        return text or None

    def person(self) -> UUID | None:
        text = self._given["person"]
        try:
            return UUID(text) if text else None
        except ValueError:
            self._problems.append(("person", "is no person's id, which is a UUID"))
            return None

    def midnight(
        self, name: str, zone: str | None, later: timedelta = timedelta()
    ) -> datetime | None:
        """Return when a date begins in the zone that is asked for, or in UTC."""
        text = self._given[name]
        try:
            on = date.fromisoformat(text) if text else None
        except ValueError:
            self._problems.append((name, "is no date; expected YYYY-MM-DD"))
            return None
        if on is None:
            return None
        within = min(max(on, _EARLIEST_ON), _LATEST_ON) + later
        there = PINNED.load(zone) if zone else UTC
        return datetime.combine(within, time(), there).astimezone(UTC)

    def order(self, wanted: MessageFilter) -> Order:
        text = self._given["order"]
        if text in set(Order):
            return Order(text)
        if text:
            self._problems.append(("order", f"is none of: {', '.join(Order)}"))
        is_coming = wanted.status in _COMING or wanted.scheduled_from is not None
        return Order.EARLIEST if is_coming else Order.LATEST

    def after(self, text: str) -> Place | None:
        try:
            return read_place(text) if text else None
        except (ValueError, OverflowError):
            self._problems.append((AFTER, "is no place in a list"))
            return None
