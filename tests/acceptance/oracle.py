"""A second computation of who is greeted when, sharing no code with Heyday, nor with zoneinfo.

It reads TZif files itself, or takes what the program zdump reads in them, and finds nine o'clock by
walking through UTC, from one change of a zone's clocks to the next, noting when they show it.
"""

import csv
import re
import struct
import subprocess
from bisect import bisect_right
from calendar import isleap, monthrange
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

_HEADER = struct.Struct(">4s c 15x 6l")
_DAY = 86400
_EPOCH = date(1970, 1, 1).toordinal()
_REACH = 16 * 3600  # no zone is further from UTC
_NAME = r"(?:<[^>]+>|[A-Za-z]+)"
_OFFSET = r"([+-]?\d+(?::\d+)*)"
_RULE = r"M(\d+)\.(\d)\.(\d)(?:/" + _OFFSET + ")?"
_FOOTER = re.compile(f"{_NAME}{_OFFSET}(?:{_NAME}{_OFFSET}?,{_RULE},{_RULE})?")

NINE = 9 * 3600


@dataclass(frozen=True)
class Greeting:
    """What one row of message_logs has to say."""

    email: str
    message_type: str
    delivery_on: date
    send_at: datetime
    text: str


class Zone:
    """A zone's distance from UTC at every second.

    changes: the instants, in seconds, at which it becomes another one.   offsets: the seconds by
    which clocks are ahead of UTC, before the first change and after each.
    """

    def __init__(self, changes: Sequence[int], offsets: Sequence[int]) -> None:
        assert len(offsets) == len(changes) + 1
        self.changes = changes
        self.offsets = offsets

    def offset(self, at: int) -> int:
        """Return the seconds by which clocks are ahead of UTC."""
        return self.offsets[bisect_right(self.changes, at)]

    def shows(self, wall: int, first_on: date, last_on: date) -> dict[date, list[int]]:
        """Return when clocks show a time of day, for each date on which they do; in order.

        wall: seconds after midnight.
        """
        start, end = _midnight(first_on) - _REACH, _midnight(last_on) + _DAY + _REACH
        stretches = pairwise([start, *(c for c in self.changes if start < c < end), end])
        found = defaultdict(list)
        for begin, finish in stretches:
            offset = self.offset(begin)
            for at in range(begin + (wall - begin - offset) % _DAY, finish, _DAY):
                found[date.fromordinal(_EPOCH + (at + offset) // _DAY)].append(at)
        return {on: found[on] for on in sorted(found) if first_on <= on <= last_on}

    def jump_over(self, on: date, wall: int) -> int:
        """Return the change at which clocks jump over a time of day on a date."""
        wanted = _midnight(on) + wall
        (jump,) = [
            change
            for change, (before, after) in zip(self.changes, pairwise(self.offsets), strict=True)
            if change + before <= wanted < change + after
        ]
        return jump

    def nine_o_clock(self, on: date) -> datetime:
        """Return the first instant at which clocks show 09:00 on a date."""
        return datetime.fromtimestamp(self.shows(NINE, on, on)[on][0], UTC)


def load(name: str, last_year: int) -> Zone:
    """Return a zone, out of its TZif file (RFC 9636), with its changes up to the end of a year."""
    data = files("tzdata.zoneinfo").joinpath(*name.split("/")).read_bytes()
    start = _end_of_block(data, 0, time_size=4)
    end = _end_of_block(data, start, time_size=8)
    *_, leaps, times, types, _ = _HEADER.unpack_from(data, start)
    assert leaps == 0, "the tzdata package counts no leap seconds"
    at = start + _HEADER.size
    changes = list(struct.unpack_from(f">{times}q", data, at))
    chosen = data[at + 8 * times : at + 9 * times]
    of_type = [struct.unpack_from(">l", data, at + 9 * times + 6 * n)[0] for n in range(types)]
    offsets = [of_type[0], *(of_type[number] for number in chosen)]
    known_to = changes[-1] if changes else 0
    for change, offset in _by_rule(data[end:].strip(b"\n").decode(), known_to, last_year):
        changes.append(change)
        offsets.append(offset)
    return Zone(changes, offsets)


def load_by_zdump(names: Iterable[str], first_year: int, last_year: int) -> dict[str, Zone]:
    """Return zones as the program zdump reads the same files, for these years alone.

    Raises OSError where there is no zdump, and ValueError where it is one that speaks otherwise.
    """
    paths = {str(files("tzdata.zoneinfo").joinpath(*name.split("/"))): name for name in names}
    span = f"{first_year},{last_year + 1}"
    command = ["zdump", "-i", "-c", span, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"zdump -i ended with status {done.returncode}: {done.stderr[:200]}")
    zones = {}
    for listing in done.stdout.split('TZ="')[1:]:
        path, _, lines = listing.partition('"\n')
        changes: list[int] = []
        offsets: list[int] = []
        for on, shown, offset, *_ in (line.split("\t") for line in lines.splitlines() if line):
            offsets.append(_compact_seconds(offset))
            if on != "-":
                changes.append(
                    _midnight(date.fromisoformat(on)) + _compact_seconds(shown) - offsets[-1]
                )
        zones[paths[path]] = Zone(changes, offsets)
    return zones


def _end_of_block(data: bytes, start: int, time_size: int) -> int:
    magic, _, uts, stds, leaps, times, types, chars = _HEADER.unpack_from(data, start)
    assert magic == b"TZif"
    body = times * (time_size + 1) + types * 6 + chars + leaps * (time_size + 4) + stds + uts
    return int(start + _HEADER.size + body)


def _by_rule(rule: str, known_to: int, last_year: int) -> Iterator[tuple[int, int]]:
    """Yield the changes that a file's last line gives as a rule, and the offset after each."""
    match = _FOOTER.fullmatch(rule)
    assert match, f"{rule!r} is no rule"
    std, dst, *rules = match.groups()
    if not rules[0]:
        return
    winter = -_seconds(std)
    summer = -_seconds(dst) if dst else winter + 3600
    for year in range(datetime.fromtimestamp(known_to, UTC).year, last_year + 1):
        begin = _rule_day(year, *rules[:3]) + _seconds(rules[3] or "2") - winter
        finish = _rule_day(year, *rules[4:7]) + _seconds(rules[7] or "2") - summer
        for at, offset in sorted([(begin, summer), (finish, winter)]):
            if at > known_to:
                yield at, offset


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


def own_second(greeting: Greeting, user_id: str, spread: int) -> datetime:
    """Return when a greeting leaves whose send time is spread over so many seconds.

    By docs/adr/0046: the part of them that 32 bits of a hash are of all that they could be.
    """
    key = f"{user_id}:{greeting.message_type}:{greeting.delivery_on}"
    drawn = int(sha256(key.encode()).hexdigest()[:8], 16)
    return greeting.send_at + timedelta(seconds=spread * drawn // 2**32)


def _occasion(given: str, year: int) -> date:
    """Return the day of a year that is greeted: the 28th where there is no 29 February."""
    if given.endswith("-02-29") and not isleap(year):
        return date(year, 2, 28)
    return date(year, int(given[5:7]), int(given[8:10]))


def _midnight(on: date) -> int:
    """Return midnight of a date in UTC, in seconds."""
    return (on.toordinal() - _EPOCH) * _DAY


def _compact_seconds(text: str) -> int:
    """Read hours, minutes and seconds as zdump -i writes them: -0330, 02, 013059 or 02:30."""
    return _seconds(re.sub(r"(?<=\d\d)(?=(\d\d)+$)", ":", text))


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
    return _midnight(day)
