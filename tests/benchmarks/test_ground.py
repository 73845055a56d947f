"""The ground of benchmarks: noon somewhere, and a few hundred greetings in earnest."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from benchmarks import instant
from benchmarks.ground import Place
from benchmarks.scene import Load


@pytest.mark.parametrize("hour", range(24))
def test_it_is_noon_where_people_live(hour: int) -> None:
    now = datetime(2027, 1, 14, hour, 34, 56, tzinfo=UTC)
    place = Place.at_noon(now)
    there = now.astimezone(ZoneInfo(place.zone))
    assert there.hour == 12
    assert there.date() == place.on
    assert place.time_of_day(now) == "12:34:56"
    assert place.tomorrow.on.day == place.on.day + 1


async def test_everybody_is_greeted_once_and_not_early(tmp_path: Path) -> None:
    figures = await instant.measure(Load(300, is_hurried=True), tmp_path)
    assert figures.planned == 300
    assert figures.is_right
    assert figures.lateness.first >= 0
    assert figures.cost.cpu.heyday > 0
    assert figures.cost.wal_bytes > 0
    assert figures.cost.workers_mib > 20
