"""Read parameters of a query that a type alone does not check."""

import re
from datetime import UTC, datetime, timedelta
from typing import NoReturn
from uuid import UUID

from litestar.exceptions import ValidationException

from heyday.domain.message_filters import Place

PLACE = r"^[0-9]{1,17}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
"""What a place in the list of messages looks like: microseconds since 1970, and an id."""

_PLACE = re.compile(PLACE, re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST_AT, _LATEST_AT = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def refuse(name: str, detail: str) -> NoReturn:
    """Refuse the parameter of a query. Raises ValidationException."""
    raise ValidationException(extra=[{"message": detail, "key": name, "source": "query"}])


def read_instant(name: str, given: datetime | None) -> datetime | None:
    """Return an instant in UTC. Raises ValidationException for one without an offset.

    What lies centuries away is brought nearer: it bounds as well, and can be reckoned with.
    """
    if given is None:
        return None
    if given.tzinfo is None:
        refuse(name, "expected an instant with its offset, such as 2027-01-14T09:00:00Z")
    if given.year < _EARLIEST_AT.year:
        return _EARLIEST_AT
    return given.astimezone(UTC) if given.year < _LATEST_AT.year else _LATEST_AT


def read_place(name: str, given: str | None) -> Place | None:
    """Return the place that a page named as `next`. Raises ValidationException."""
    if given is None:
        return None
    if not _PLACE.fullmatch(given):
        refuse(name, "expected `next` of a page, as it was given")
    microseconds, _, message_id = given.partition("-")
    return Place(_EPOCH + int(microseconds) * _MICROSECOND, UUID(message_id))


def write_place(place: Place) -> str:
    """Return a place as `read_place` takes it."""
    return f"{(place.scheduled_send_at - _EPOCH) // _MICROSECOND}-{place.message_id}"
