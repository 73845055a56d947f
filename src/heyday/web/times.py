"""Write instants and durations as people read them, each with its time zone spelled out."""

from datetime import UTC, date, datetime, timedelta

from heyday.domain.tzdb import PINNED

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def wall(at: datetime, zone: str | None) -> str:
    """Write an instant as a wall clock in the zone shows it: "Mon 4 Jan 2027, 09:00:00".

    A zone that is not known any more is shown as UTC.
    """
    local = at.astimezone(PINNED.load(zone) if zone in PINNED.served else UTC)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S}"


def day(on: date) -> str:
    """Write a date: "Mon 4 Jan 2027"."""
    return f"{on:%a} {on.day} {on:%b %Y}"


def iso(at: datetime) -> str:
    """Write an instant for machines, in UTC: "2027-01-04T00:00:00Z"."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def length(span: timedelta) -> str:
    """Write how long something takes, in its two largest units: "2 h 5 min", "340 ms"."""
    if span < timedelta(0):
        return f"-{length(-span)}"
    if span < timedelta(seconds=1):
        return f"{span // timedelta(milliseconds=1)} ms"
    if span < _MINUTE:
        return f"{span.total_seconds():.3g} s"
    for unit, part, (name, part_name) in (
        (_DAY, _HOUR, ("d", "h")),
        (_HOUR, _MINUTE, ("h", "min")),
        (_MINUTE, timedelta(seconds=1), ("min", "s")),
    ):
        if span >= unit:
            whole, rest = divmod(span, unit)
            return (
                f"{whole} {name} {rest // part} {part_name}" if rest >= part else f"{whole} {name}"
            )
    raise AssertionError("every span of a minute and more has a unit")


def span(seconds: float) -> str:
    """Write how long something takes that is given in seconds, as `length` does."""
    return length(timedelta(seconds=seconds))


def count(number: int) -> str:
    """Write a number with its thousands apart: "1,014,322"."""
    return f"{number:,}"
