"""Follow nine o'clock, or whenever greetings leave, on its way west through the zones of a day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from heyday.domain.day_figures import SLOT, day_window
from heyday.domain.timezone import TimezoneService


class Passing(StrEnum):
    """Say whether the send time has been somewhere on a day."""

    DONE = "done"
    NOW = "now"
    TO_COME = "to_come"


@dataclass(frozen=True, slots=True)
class Turn:
    """Hold the zones that the send time reaches at one instant, by name.

    offset: from UTC there and then.   local_on: the date there.
    """

    send_at: datetime
    offset: timedelta
    local_on: date
    timezones: Sequence[str]

    def passing(self, now: datetime) -> Passing:
        """Return whether it has been there: for a quarter of an hour it is there now."""
        if now < self.send_at:
            return Passing.TO_COME
        return Passing.NOW if now < self.send_at + SLOT else Passing.DONE


def find_turns(service: TimezoneService, timezones: Iterable[str], on: date) -> Sequence[Turn]:
    """Return, in order, when the send time reaches these zones on a day in UTC.

    Zones that the tz database does not have are left out. The clocks of a zone are those of the
    instant itself: a day on which they change has them right.
    """
    window = day_window(on)
    served = [name for name in timezones if name in service.tzdb.served]
    found: dict[tuple[datetime, timedelta, date], set[str]] = {}
    for day in service.zone_days(served, window, window.start_at):
        local = day.send_at.astimezone(service.tzdb.load(day.timezone))
        key = day.send_at, local.utcoffset() or timedelta(), local.date()
        found.setdefault(key, set()).add(day.timezone)
    return [Turn(*key, sorted(names)) for key, names in sorted(found.items())]


def longitude_of(send_time: timedelta, now: datetime) -> float:
    """Return the degrees east where the sun's own time is the send time: where it is by nature.

    send_time: since midnight.
    """
    since_midnight = now - now.replace(hour=0, minute=0, second=0, microsecond=0)
    turns = (send_time - since_midnight) / timedelta(days=1)
    return (turns + 0.5) % 1 * 360 - 180
