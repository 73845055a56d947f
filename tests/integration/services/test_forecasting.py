"""A forecast is what the planner writes, without writing it."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from heyday.db.forecasts import ForecastRepository
from heyday.domain.forecast import Forecast, Grouping
from heyday.domain.message_types import ANNIVERSARY, BIRTHDAY, MESSAGE_TYPES
from heyday.domain.policies import SkipPolicy, TimePolicies
from heyday.domain.timezone import TimezoneService, Window
from heyday.domain.tzdb import PINNED
from heyday.services.forecasting import ForecastService
from heyday.services.planning import PlanConfig, Planner
from tests.factories import Pipeline
from tests.fakes import FakeClock

DAY = timedelta(days=1)
# In every zone, people of the days around the end of February and of the year, of several years;
# of whom one in 7 is deleted, one in 5 unsubscribed, and one in 3 came only now.
PEOPLE = """
INSERT INTO users (
    first_name, last_name, email, timezone, birthday_date, anniversary_date, deleted_at,
    unsubscribed_at, eligible_since)
SELECT 'Ada', 'Lovelace', n || '@example.com', zone, day, (day + interval '30 years')::date,
       CASE WHEN n % 7 = 0 THEN timestamptz '2020-01-01' END,
       CASE WHEN n % 5 = 0 THEN timestamptz '2020-01-01' END,
       CASE WHEN n % 3 = 0 THEN $2::timestamptz ELSE '-infinity' END
FROM (
    SELECT *, row_number() OVER () AS n
    FROM unnest($1::text[]) AS zone,
         unnest(array['02-27', '02-28', '03-01', '03-02', '12-31', '01-01', '01-02', '06-14'])
             AS month_day,
         unnest(array[1957, 1997, 1998]) AS year,
         LATERAL (SELECT (year || '-' || month_day)::date AS day) AS made
    UNION ALL
    SELECT *, 100000 + row_number() OVER ()
    FROM unnest($1::text[]) AS zone, unnest(array['02-29']) AS month_day,
         unnest(array[1956, 1996]) AS year,
         LATERAL (SELECT (year || '-' || month_day)::date AS day) AS made
) AS people
"""


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def forecast(
    pipeline: Pipeline,
    timezones: Mapping[str, TimezoneService],
    span: timedelta,
    start_at: datetime | None = None,
) -> Forecast:
    store = ForecastRepository(pipeline.database)
    return await ForecastService(store, timezones, pipeline.clock).forecast(span, start_at)


async def planned(pipeline: Pipeline, column: str) -> dict[str, Counter[object]]:
    """Return how many rows were written, for each message type by a column."""
    rows = await pipeline.rows(
        f"SELECT message_type, {column} AS key, count(*) AS n FROM message_logs GROUP BY 1, 2"  # noqa: S608
    )
    found: dict[str, Counter[object]] = {t.name: Counter() for t in MESSAGE_TYPES}
    for row in rows:
        found[row["message_type"]][row["key"]] = row["n"]
    return found


@pytest.mark.parametrize(
    ("now", "leap_day"),
    [
        ("2027-02-27T00:00", SkipPolicy.BACKWARD),
        ("2027-02-27T00:00", SkipPolicy.FORWARD),
        ("2027-02-27T13:37", SkipPolicy.OMIT),
        ("2028-02-28T22:00", SkipPolicy.BACKWARD),
        ("2026-12-31T06:30", SkipPolicy.BACKWARD),
    ],
)
async def test_the_next_two_days_are_what_the_planner_writes(
    pipeline: Pipeline, clock: FakeClock, now: str, leap_day: SkipPolicy
) -> None:
    clock.set(instant(now))
    await pipeline.execute(PEOPLE, sorted(PINNED.served), clock.now())
    # Each type by rules of its own, as settings allow.
    timezones = {
        BIRTHDAY.name: TimezoneService(TimePolicies(leap_day=leap_day)),
        ANNIVERSARY.name: TimezoneService(TimePolicies(leap_day=SkipPolicy.BACKWARD)),
    }
    found = await forecast(pipeline, timezones, 2 * DAY)
    window = Window(clock.now(), clock.now() + 2 * DAY)
    written = await Planner(timezones, PlanConfig()).plan_window(
        pipeline.database, window, clock.now()
    )
    assert written > 2_500
    assert sum(found.totals.values()) == written
    assert found.by_instant == await planned(pipeline, "scheduled_send_time")
    assert found.by_zone == await planned(pipeline, "timezone")


async def test_nobody_is_congratulated_before_the_first_year(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(instant("2027-01-10T00:00"))
    for on in ("2026-01-14", "2027-01-14", "2025-12-31"):
        await pipeline.insert(timezone="UTC", anniversary_date=on)
    timezones = {t.name: TimezoneService() for t in MESSAGE_TYPES}
    near = await forecast(pipeline, timezones, 10 * DAY)
    assert near.totals == {"BIRTHDAY": 0, "ANNIVERSARY": 1}
    far = await forecast(pipeline, timezones, 2 * 365 * DAY)
    # In 2027 two of them; in 2028 all three; and in January 2029 nobody yet.
    assert far.totals == {"BIRTHDAY": 0, "ANNIVERSARY": 5}


async def test_it_begins_where_it_is_told_to(pipeline: Pipeline) -> None:
    await pipeline.insert(timezone="UTC", birthday_date="1990-06-14")
    timezones = {t.name: TimezoneService() for t in MESSAGE_TYPES}
    start_at = instant("2030-06-14T09:00")
    found = await forecast(pipeline, timezones, DAY, start_at)
    assert found.busiest == (start_at, 1)
    assert (await forecast(pipeline, timezones, DAY, start_at + timedelta(seconds=1))).totals == {
        "BIRTHDAY": 0,
        "ANNIVERSARY": 0,
    }


async def test_a_zone_that_vanished_is_served_and_one_that_never_was_is_told(
    pipeline: Pipeline,
) -> None:
    await pipeline.insert(timezone="US/Pacific-New", birthday_date="1990-06-14")
    for _ in range(2):
        await pipeline.insert(timezone="Mars/Olympus", birthday_date="1990-06-14")
    timezones = {t.name: TimezoneService() for t in MESSAGE_TYPES}
    found = await forecast(pipeline, timezones, 366 * DAY)
    assert [row.label for row in found.rows(Grouping.ZONE)] == ["US/Pacific-New"]
    assert found.unplaced == {"Mars/Olympus": 2}


async def test_each_person_is_greeted_once_in_a_year(pipeline: Pipeline) -> None:
    await pipeline.execute(PEOPLE, sorted(PINNED.served), pipeline.clock.now())
    live = await pipeline.value(
        "SELECT count(*) FROM users WHERE deleted_at IS NULL AND unsubscribed_at IS NULL"
    )
    timezones = {t.name: TimezoneService() for t in MESSAGE_TYPES}
    found = await forecast(pipeline, timezones, 365 * DAY, instant("2030-01-01T00:00"))
    # Where it is still, or already, another date at that moment, what leaves the window at one
    # end comes in at the other.
    assert found.totals["BIRTHDAY"] == live
    assert found.totals["ANNIVERSARY"] == live
