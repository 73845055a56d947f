"""Know the zones of one simulation, and remember what is asked again and again."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from importlib.resources.abc import Traversable
from typing import TypeAlias

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.policies import TimePolicies
from heyday.domain.timezone import TimezoneService, Window, ZoneDay
from heyday.domain.tzdb import SUCCESSORS, TzDatabase
from heyday.settings import Settings

Offset: TypeAlias = timedelta | None

_WEIGHT_OF_AN_INSTANT = 12
"""What an instant costs, in people of one birthday."""


class SomeZones(TzDatabase):
    """Hold a part of a release, for the part of the people who live there."""

    def __init__(self, package: Traversable, chosen: Iterable[str]) -> None:
        super().__init__(package)
        chosen = set(chosen)
        self._chosen = chosen | {SUCCESSORS[name] for name in chosen if name in SUCCESSORS}

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the chosen names, as far as the release has them."""
        return super().names & self._chosen


class RememberingTimezones(TimezoneService):
    """Answer as ever, each question about a zone and a date once."""

    def __init__(self, policies: TimePolicies, tzdb: TzDatabase) -> None:
        super().__init__(policies, tzdb)
        self._found: dict[tuple[str, date], tuple[date, datetime] | None] = {}
        self._last: tuple[object, list[ZoneDay]] = (None, [])

    def zone_days(
        self, names: Iterable[str], window: Window, now: datetime, only: int | None = None
    ) -> Iterator[ZoneDay]:
        """Yield what was asked last, if it is asked again: each message type asks the same."""
        question = frozenset(names), window, now, only
        if self._last[0] != question:
            self._last = question, list(super().zone_days(names, window, now, only))
        return iter(self._last[1])

    def _find(self, name: str, on: date) -> tuple[date, datetime] | None:
        try:
            return self._found[name, on]
        except KeyError:
            found = self._found[name, on] = super()._find(name, on)
            return found


def timezones_of(settings: Settings, tzdb: TzDatabase) -> Mapping[str, TimezoneService]:
    """Return what answers when each message type leaves, by the settings and a release."""
    known: dict[TimePolicies, TimezoneService] = {}
    for message_type in MESSAGE_TYPES:
        policies = settings.policies(message_type.name)
        known.setdefault(policies, RememberingTimezones(policies, tzdb))
    return {t.name: known[settings.policies(t.name)] for t in MESSAGE_TYPES}


def share_out(tzdb: TzDatabase, names: Iterable[str], shares: int, year: int) -> list[list[str]]:
    """Split zones into shares that take about as long: by offset, so that instants stay whole."""
    offsets: dict[Offset, dict[Offset, list[str]]] = {}
    for name in sorted(names):
        zone = tzdb.load(name)
        winter, summer = (datetime(year, month, 15, tzinfo=zone).utcoffset() for month in (1, 7))
        offsets.setdefault(winter, {}).setdefault(summer, []).append(name)
    weights = {
        winter: sum(_WEIGHT_OF_AN_INSTANT + len(zones) for zones in summers.values())
        for winter, summers in offsets.items()
    }
    parts: list[list[str]] = [[] for _ in range(shares)]
    loads = [0] * shares
    for winter in sorted(weights, key=lambda w: (-weights[w], str(w))):
        least = loads.index(min(loads))
        loads[least] += weights[winter]
        parts[least] += [name for zones in offsets[winter].values() for name in zones]
    return [sorted(part) for part in parts if part]
