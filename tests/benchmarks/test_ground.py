"""The ground of benchmarks: noon somewhere, and a few hundred greetings in earnest."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from benchmarks import instant
from benchmarks.ground import Place, open_ground
from benchmarks.scene import Load
from tests.chaos import clock

# How an id begins: with the instant that its greeting is planned for, in ms since 1970.
IDS = """
SELECT DISTINCT left(replace(id::text, '-', ''), 12) FROM message_logs
WHERE scheduled_send_time < $1
"""


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


async def test_greetings_of_one_instant_leave_second_by_second_from_another(tmp_path: Path) -> None:
    async with open_ground(tmp_path) as ground:
        place = Place.at_noon(clock.now())
        planned_at = clock.now().replace(microsecond=0) + timedelta(minutes=10)
        await ground.bring(6, place, later=4)
        settings = {
            "DATABASE_URL": ground.url,
            "EMAIL_SERVICE_URL": "http://127.0.0.1:9",
            "HEYDAY_BIRTHDAY_SEND_TIME": place.time_of_day(planned_at),
            "HEYDAY_ANNIVERSARY_SEND_TIME": "12:00:00",
        }
        assert await ground.plan(settings) == 10

        at = planned_at - timedelta(minutes=5)
        await ground.take_out(planned_at)
        await ground.put_back(planned_at, at, rate=2)

        today, ends_at = at + timedelta(hours=1), at + timedelta(seconds=3)
        due = Counter((await ground.due(at, ends_at)).values())
        seconds = [at.timestamp() + n for n in range(3)]
        assert due == dict.fromkeys(seconds, 2)
        assert await ground.statuses(at, today) == {"SCHEDULED": 6}
        ids = {row[0] for row in await ground.connection.fetch(IDS, today)}
        assert ids == {f"{int(second * 1000):012x}" for second in seconds}
        assert await ground.statuses(today, at + timedelta(days=2)) == {"SCHEDULED": 4}
