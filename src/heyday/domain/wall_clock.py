"""Read the clock on the wall of a zone, to tell a person what it shows. It decides nothing."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from heyday.domain.tzdb import TzDatabase

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WallClock:
    """Hold what the clock of a zone shows at an instant."""

    shown: datetime

    @classmethod
    def read(cls, tzdb: TzDatabase, zone: str, at: datetime) -> "WallClock":
        """Return the clock of a zone at an instant. Raises UnknownTimezone."""
        return cls(at.astimezone(tzdb.load(zone)))

    @property
    def offset(self) -> str:
        """Return the distance from UTC, such as UTC+05:45."""
        return _offset(self.shown)

    @property
    def is_daylight_saving(self) -> bool:
        """Tell whether the clock is put forward at the moment.

        Where the law calls the winter's clock put back, as in Dublin, dst() is below zero then.
        """
        return (self.shown.dst() or timedelta(0)) > timedelta(0)

    @property
    def comes_twice(self) -> bool:
        """Tell whether the clock shows this time twice on this date."""
        other = self.shown.replace(fold=1 - self.shown.fold)
        return other.utcoffset() != self.shown.utcoffset()

    def change(self) -> tuple[str, str] | None:
        """Return the distances from UTC as the date begins and as it ends, if they differ."""
        begin = datetime.combine(self.shown.date(), time.min, self.shown.tzinfo)
        before, after = _offset(begin), _offset(begin + _ONE_DAY)
        return (before, after) if before != after else None


def write_date(on: date) -> str:
    """Return a date in words, such as Thursday 14 January 2027."""
    return f"{on:%A} {on.day} {on:%B} {on.year}"


def write_instant(at: datetime) -> str:
    """Return an instant such as 2027-01-14 09:00:00 UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def write_clock(clock: WallClock) -> str:
    """Return what a clock shows, such as Thursday 14 January 2027, 09:00:00 (UTC+01:00)."""
    daylight = ", daylight saving time" if clock.is_daylight_saving else ""
    return f"{write_date(clock.shown.date())}, {clock.shown:%H:%M:%S} ({clock.offset}{daylight})"


def write_span(span: timedelta) -> str:
    """Return a length of time in its largest even unit, such as 24 hours or 180 days."""
    seconds = round(span.total_seconds())
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size and seconds % size == 0:
            return f"{seconds // size} {unit}s"
    return f"{seconds} seconds"


def write_length(span: timedelta) -> str:
    """Return a length of time to the second, such as 1 hour 17 minutes 22 seconds."""
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "hour"), (minutes, "minute"), (seconds, "second")]
    told = [f"{n} {unit}{'s' * (n > 1)}" for n, unit in parts if n]
    return " ".join(told) or "0 seconds"


def _offset(shown: datetime) -> str:
    text = shown.strftime("%z")
    return f"UTC{text[:3]}:{text[3:5]}"
