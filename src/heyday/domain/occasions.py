"""Find the day on which a person is greeted, in one year or next."""

from calendar import isleap
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from heyday.domain.message_types import MessageType
from heyday.domain.timezone import TimezoneService, Window, ZoneDay

# A zone day lies within this of midnight UTC of its date, also where a policy moves it by a day.
_REACH = timedelta(days=4)
# 29 February comes at the latest after eight years, as from 2096 to 2104.
_LONGEST_WAIT = 9


@dataclass(frozen=True, slots=True)
class Occasion:
    """Say what is celebrated: the date given, in a zone, by the rules for one message type."""

    message_type: MessageType
    timezones: TimezoneService
    timezone: str
    given_on: date

    def find_in(self, year: int, now: datetime) -> ZoneDay | None:
        """Return the zone day of the date in one year; None if the policies omit it."""
        middle = datetime.combine(self.nominal_in(year), datetime.min.time(), UTC)
        window = Window(middle - _REACH, middle + _REACH)
        month_day = self.given_on.month * 100 + self.given_on.day
        days = self.timezones.zone_days([self.timezone], window, now)
        return next((day for day in days if day.month_day == month_day), None)

    def find_on(self, on: date, now: datetime) -> ZoneDay | None:
        """Return the zone day that is delivered on a local date, if there is one."""
        # A policy may carry 31 December into the next year, or 1 January into the one before.
        found = (self.find_in(year, now) for year in (on.year - 1, on.year, on.year + 1))
        return next((day for day in found if day and day.delivery_on == on), None)

    def find_next(self, now: datetime) -> ZoneDay | None:
        """Return the first zone day from the local date of `now` on that is old enough."""
        today_on = self.timezones.local_date(self.timezone, now)
        for year in range(today_on.year - 1, today_on.year + _LONGEST_WAIT):
            day = self.find_in(year, now)
            if day and day.delivery_on >= today_on and self.is_old_enough(day.delivery_on):
                return day
        return None

    def years_on(self, on: date) -> int:
        """Return how many years a date lies after the occasion's own."""
        return on.year - self.given_on.year

    def is_old_enough(self, on: date) -> bool:
        """Tell whether the message type greets so many years after the date."""
        return self.years_on(on) >= self.message_type.first_year

    def nominal_in(self, year: int) -> date:
        """Return the date in a year, before any policy; 1 March for a 29 February not in it."""
        if (self.given_on.month, self.given_on.day) == (2, 29) and not isleap(year):
            return date(year, 3, 1)
        return self.given_on.replace(year=year)
