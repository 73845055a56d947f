"""A second computation of who is greeted when, sharing no code with Heyday, nor with zoneinfo.

It reads TZif files itself, and finds nine o'clock by walking through UTC a quarter of an hour at
a time until the wall clock of a zone shows it.
"""

import csv
import re
import struct
from bisect import bisect_right
from calendar import isleap, monthrange, timegm
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

_HEADER = struct.Struct(">4s c 15x 6l")
_QUARTER = 900
_REACH = 16 * 3600  # no zone is further from UTC
_NAME = r"(?:<[^>]+>|[A-Za-z]+)"
_OFFSET = r"([+-]?\d+(?::\d+)*)"
_RULE = r"M(\d+)\.(\d)\.(\d)(?:/" + _OFFSET + ")?"
_FOOTER = re.compile(f"{_NAME}{_OFFSET}(?:{_NAME}{_OFFSET}?,{_RULE},{_RULE})?")


@dataclass(frozen=True)
class Greeting:
    """What one row of message_logs has to say."""

    email: str
    message_type: str
    delivery_on: date
    send_at: datetime
    text: str


class Zone:
    """A zone's distance from UTC at every second, out of its TZif file (RFC 9636)."""

    def __init__(self, name: str) -> None:
        data = files("tzdata.zoneinfo").joinpath(*name.split("/")).read_bytes()
        start = self._end_of_block(data, 0, time_size=4)
        end = self._end_of_block(data, start, time_size=8)
        *_, leaps, times, types, _ = _HEADER.unpack_from(data, start)
        assert leaps == 0, "the tzdata package counts no leap seconds"
        at = start + _HEADER.size
        self.changes: list[int] = list(struct.unpack_from(f">{times}q", data, at))
        chosen = data[at + 8 * times : at + 9 * times]
        offsets = [
            struct.unpack_from(">l", data, at + 9 * times + 6 * number)[0]
            for number in range(types)
        ]
        self._offsets: list[int] = [offsets[0], *(offsets[number] for number in chosen)]
        self._footer = data[end:].strip(b"\n").decode()

    @staticmethod
    def _end_of_block(data: bytes, start: int, time_size: int) -> int:
        magic, _, uts, stds, leaps, times, types, chars = _HEADER.unpack_from(data, start)
        assert magic == b"TZif"
        body = times * (time_size + 1) + types * 6 + chars + leaps * (time_size + 4) + stds + uts
        return int(start + _HEADER.size + body)

    def extend(self, last_year: int) -> None:
        """Write out, up to a year, the changes that the file's last line gives as a rule."""
        match = _FOOTER.fullmatch(self._footer)
        assert match, f"{self._footer!r} is no rule"
        std, dst, *rules = match.groups()
        if not rules[0]:
            return
        winter = -_seconds(std)
        summer = -_seconds(dst) if dst else winter + 3600
        known_to = self.changes[-1] if self.changes else 0
        for year in range(datetime.fromtimestamp(known_to, UTC).year, last_year + 1):
            begin = _rule_day(year, *rules[:3]) + _seconds(rules[3] or "2") - winter
            finish = _rule_day(year, *rules[4:7]) + _seconds(rules[7] or "2") - summer
            for at, offset in sorted([(begin, summer), (finish, winter)]):
                if at > known_to:
                    self.changes.append(at)
                    self._offsets.append(offset)

    def offset(self, at: int) -> int:
        """Return the seconds by which clocks are ahead of UTC."""
        return self._offsets[bisect_right(self.changes, at)]

    def nine_o_clock(self, on: date) -> datetime:
        """Return the first instant at which clocks show 09:00 on a date."""
        nine = timegm((on.year, on.month, on.day, 9, 0, 0))
        for at in range(nine - _REACH, nine + _REACH, _QUARTER):
            if at + self.offset(at) == nine:
                return datetime.fromtimestamp(at, UTC)
        raise AssertionError(f"clocks never show 09:00 on {on}")


def load(name: str, last_year: int) -> Zone:
    """Return a zone that knows its changes up to the end of a year."""
    zone = Zone(name)
    zone.extend(last_year)
    return zone


def greetings(people: Path, years: range) -> Iterator[Greeting]:
    """Yield every greeting of a file's people whose local date lies in one of the years."""
    rows = list(csv.DictReader(people.read_text("utf-8").splitlines()))
    zones = {name: load(name, years.stop) for name in {row["timezone"] for row in rows}}
    for row in rows:
        zone, hey = zones[row["timezone"]], f"Hey, {row['first_name']} {row['last_name']} it's your"
        for year in years:
            on = _occasion(row["birthday_date"], year)
            text = f"{hey} birthday"
            yield Greeting(row["email"], "BIRTHDAY", on, zone.nine_o_clock(on), text)
            n = year - int(row["anniversary_date"][:4])
            if n > 0:
                on = _occasion(row["anniversary_date"], year)
                text = f"{hey} work anniversary! {n} year{'s' * (n > 1)} with us!"
                yield Greeting(row["email"], "ANNIVERSARY", on, zone.nine_o_clock(on), text)


def _occasion(given: str, year: int) -> date:
    """Return the day of a year that is greeted: the 28th where there is no 29 February."""
    if given.endswith("-02-29") and not isleap(year):
        return date(year, 2, 28)
    return date(year, int(given[5:7]), int(given[8:10]))


def _seconds(text: str) -> int:
    """Read hours, minutes and seconds, such as -3:30."""
    sign = -1 if text.startswith("-") else 1
    parts = [*map(int, text.lstrip("+-").split(":")), 0, 0]
    return sign * (parts[0] * 3600 + parts[1] * 60 + parts[2])


def _rule_day(year: int, month: str, week: str, weekday: str) -> int:
    """Return midnight of the week'th such weekday of a month (Sunday is 0, week 5 the last)."""
    first = date(year, int(month), 1)
    day = first + timedelta(days=(int(weekday) - first.isoweekday()) % 7 + 7 * (int(week) - 1))
    while day > date(year, int(month), monthrange(year, int(month))[1]):
        day -= timedelta(days=7)
    return timegm(day.timetuple())
