"""Place the zones of people on a map, with the meridian where it is the send time by the sun.

The map is a plate carrée, two units a degree: static/world.svg has the land.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from math import sqrt

from heyday.domain.day_figures import DayFigures, Fate
from heyday.domain.places import city_of, place_of
from heyday.domain.send_line import Passing, Turn, longitude_of

WIDTH, HEIGHT = 720, 282

_NORTH, _UNITS = 84, 2
_LEAST_RADIUS, _MOST_RADIUS = 2.5, 11.0
_GLOW = 30


@dataclass(frozen=True, slots=True)
class Dot:
    """Hold a zone on the map, and what is said of it."""

    x: float
    y: float
    radius: float
    city: str
    country: str
    row: "TurnRow"
    people: int
    greetings: int


@dataclass(frozen=True, slots=True)
class TurnRow:
    """Hold a turn with what there is to say of it. people, greetings: of all its zones."""

    turn: Turn
    passing: Passing
    people: int
    greetings: int

    @property
    def offset(self) -> str:
        """Write the offset from UTC: "UTC+05:45"."""
        minutes = abs(self.turn.offset) // timedelta(minutes=1)
        sign = "-" if self.turn.offset < timedelta() else "+"
        return f"UTC{sign}{minutes // 60:02}:{minutes % 60:02}"

    @property
    def cities(self) -> Sequence[str]:
        """Return the names of its places."""
        return [city_of(name) for name in self.turn.timezones]

    def beyond(self, shown: int) -> int:
        """Return how many more zones it has than are shown."""
        return max(len(self.turn.timezones) - shown, 0)


@dataclass(frozen=True, slots=True)
class SendMap:
    """Hold a map.

    lines: where across it is the send time by the sun, if it is on this day; glow: how wide to
    either side.   now: the row where it is, or was last.   next: the row where it is next.
    """

    dots: Sequence[Dot]
    rows: Sequence[TurnRow]
    lines: Sequence[float]
    now: TurnRow | None
    next: TurnRow | None
    glow: int = _GLOW


def draw_map(
    turns: Sequence[Turn],
    people: Mapping[str, int],
    figures: DayFigures,
    now: datetime,
    send_time: time,
) -> SendMap:
    """Return the map of a day: as it is now, or as it was at the day's end."""
    greetings = {zone: _wanted(fates) for zone, fates in figures.by_zone.items()}
    rows = [
        TurnRow(
            turn,
            turn.passing(now),
            sum(people.get(zone, 0) for zone in turn.timezones),
            sum(greetings.get(zone, 0) for zone in turn.timezones),
        )
        for turn in turns
    ]
    passed = [row for row in rows if row.passing is not Passing.TO_COME]
    coming = [row for row in rows if row.passing is Passing.TO_COME]
    return SendMap(
        dots=_dots(rows, people, greetings),
        rows=rows,
        lines=_lines(send_time, now) if figures.on == now.date() else [],
        now=passed[-1] if passed else None,
        next=coming[0] if coming else None,
    )


def _wanted(fates: Mapping[Fate, int]) -> int:
    return sum(count for fate, count in fates.items() if fate is not Fate.CANCELLED)


def _lines(send_time: time, now: datetime) -> Sequence[float]:
    """Return the meridian, and once more where its glow goes over an edge of the map."""
    since_midnight = timedelta(hours=send_time.hour, minutes=send_time.minute)
    x = round((longitude_of(since_midnight, now) + 180) * _UNITS, 1)
    return [each for each in (x - WIDTH, x, x + WIDTH) if -_GLOW < each < WIDTH + _GLOW]


def _dots(
    rows: Sequence[TurnRow], people: Mapping[str, int], greetings: Mapping[str, int]
) -> Sequence[Dot]:
    """Return the zones that are somewhere, the largest first, so that none hides another."""
    weights = {
        (row, zone): max(people.get(zone, 0), greetings.get(zone, 0))
        for row in range(len(rows))
        for zone in rows[row].turn.timezones
    }
    most = max(weights.values(), default=0)
    dots = []
    for (row, zone), weight in sorted(weights.items(), key=lambda item: (-item[1], item[0])):
        place = place_of(zone)
        if place is None or not weight:
            continue
        radius = _LEAST_RADIUS + (_MOST_RADIUS - _LEAST_RADIUS) * sqrt(weight / most)
        dots.append(
            Dot(
                x=round((place.longitude + 180) * _UNITS, 1),
                y=round((_NORTH - place.latitude) * _UNITS, 1),
                radius=round(radius, 1),
                city=city_of(zone),
                country=place.country,
                row=rows[row],
                people=people.get(zone, 0),
                greetings=greetings.get(zone, 0),
            )
        )
    return dots
