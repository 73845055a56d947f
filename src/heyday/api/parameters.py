"""Read parameters of a query that a type alone does not check."""

from datetime import UTC, datetime
from typing import NoReturn

import msgspec
from litestar.exceptions import ValidationException
from litestar.params import QueryParameter

from heyday.domain import message_filters
from heyday.domain.message_filters import Place

_INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
_EARLIEST_AT, _LATEST_AT = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def refuse(name: str, detail: str) -> NoReturn:
    """Refuse the parameter of a query. Raises ValidationException."""
    raise ValidationException(extra=[{"message": detail, "key": name, "source": "query"}])


def instant(description: str, name: str | None = None) -> QueryParameter:
    """Describe a parameter that is an instant, and for `read_instant` a text.

    As a datetime it would be a number as well, which its format has no words for.
    """
    extra = {"format": "date-time", "examples": ["2027-01-14T09:00:00Z"]}
    return QueryParameter(name=name, description=description, pattern=_INSTANT, schema_extra=extra)


def read_instant(name: str, given: str | None) -> datetime | None:
    """Return an instant in UTC. Raises ValidationException for what is none with an offset.

    What lies centuries away is brought nearer: it bounds as well, and can be reckoned with.
    """
    if given is None:
        return None
    try:
        at = msgspec.convert(given, datetime)
    except msgspec.ValidationError:
        at = None
    if at is None or at.tzinfo is None:
        refuse(name, "expected an instant with its offset, such as 2027-01-14T09:00:00Z")
    if at.year < _EARLIEST_AT.year:
        return _EARLIEST_AT
    return at.astimezone(UTC) if at.year < _LATEST_AT.year else _LATEST_AT


def read_place(name: str, given: str | None) -> Place | None:
    """Return the place that a page named as `next`. Raises ValidationException."""
    if given is None:
        return None
    try:
        return message_filters.read_place(given)
    except ValueError:
        refuse(name, "expected `next` of a page, as it was given")
