"""Forecast what will be sent when, from everybody's days and the clocks of their zones."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from heyday.domain.forecast import Forecast, PeopleByDay, Tally
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.ports import Clock
from heyday.domain.report_ports import ForecastStore
from heyday.domain.timezone import TimezoneService, Window

# A greeting may belong to a date this much before the instant at which it leaves.
_REACH = timedelta(days=2)


class ForecastService:
    """Join counts of people to zone days: what the planner would write, without writing it.

    timezones: for each message type, by name, what answers when it leaves.
    """

    def __init__(
        self, store: ForecastStore, timezones: Mapping[str, TimezoneService], clock: Clock
    ) -> None:
        self._store = store
        self._timezones = timezones
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def forecast(self, span: timedelta, start_at: datetime | None = None) -> Forecast:
        """Return what will be sent in `span` from now, or from `start_at` on.

        It counts people as they are now. Whoever comes, changes or leaves meanwhile is not
        foreseen, nor that a corrected date may be the same occasion once more.
        """
        start_at = start_at or self._clock.now()
        window = Window(start_at, start_at + span)
        tallies = {}
        for message_type in MESSAGE_TYPES:
            since = _first_of_year((start_at - _REACH).year - message_type.first_year + 1)
            people = await self._store.count_people(message_type, since)
            tallies[message_type.name] = Tally.of(people, message_type.first_year)
        # A year of all zones keeps a core busy for seconds: a server goes on with other things.
        async with self._one_at_a_time:
            await asyncio.to_thread(self._fill, tallies, window)
        tzdb = next(iter(self._timezones.values())).tzdb
        return Forecast(
            window=window,
            tzdb_version=tzdb.version,
            by_instant={name: tally.by_instant for name, tally in tallies.items()},
            by_zone={name: tally.by_zone for name, tally in tallies.items()},
            unplaced=_unplaced([t.people for t in tallies.values()], tzdb.served),
            by_stretch={name: tally.by_stretch for name, tally in tallies.items()},
        )

    def _fill(self, tallies: Mapping[str, Tally], window: Window) -> None:
        """Walk through the zone days once for all message types that leave by the same rules."""
        left = dict(tallies)
        while left:
            rules = self._timezones[next(iter(left))]
            alike = [n for n in left if self._timezones[n].policies == rules.policies]
            together = [left.pop(name) for name in alike]
            zones = {zone for tally in together for zone in tally.people.counts}
            # Who is late and who came today is not asked, so that no `now` matters here.
            for day in rules.zone_days(zones & rules.tzdb.served, window, window.start_at):
                for tally in together:
                    tally.add(day, window)


def _first_of_year(year: int) -> date:
    return date(min(year, date.max.year), 1, 1)


def _unplaced(counts: list[PeopleByDay], served: frozenset[str]) -> dict[str, int]:
    """Return, for zones that nobody can be greeted in, how many greetings a year that is."""
    lost: Counter[str] = Counter()
    for people in counts:
        for zone in people.counts.keys() - served:
            lost[zone] += sum(people.counts[zone].values())
    return dict(sorted(lost.items()))
