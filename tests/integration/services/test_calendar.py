"""What the calendar shows of a day is what is planned for it, page by page."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from heyday.db.calendar import CalendarRepository
from heyday.db.forecasts import ForecastRepository
from heyday.domain.calendar_day import CountedDay, DayFilter, DayGreeting, DayPlace, DaySource
from heyday.domain.policies import SkipPolicy, TimePolicies
from heyday.domain.transitions import Status
from heyday.domain.tzdb import PINNED
from heyday.services.calendar import DAY_EVERY, CalendarService
from tests.factories import Pipeline, PipelineConfig, open_pipeline, timezones_of
from tests.fakes import FakeClock, RecordingSender
from tests.integration.services.test_forecasting import PEOPLE

DAY = timedelta(days=1)
NEW_YEAR = date(2027, 1, 1)
PATIENCE = timedelta(seconds=30)


def calendar_of(pipeline: Pipeline, policies: TimePolicies | None = None) -> CalendarService:
    """Return what looks at a pipeline's database."""
    database = pipeline.database
    rows, people = CalendarRepository(database), ForecastRepository(database)
    return CalendarService(database, rows, people, timezones_of(policies), pipeline.clock)


async def everybody(
    calendar: CalendarService, counted: CountedDay, wanted: DayFilter, limit: int
) -> list[DayGreeting]:
    """Return a day's list as it is seen by whoever goes on to its end."""
    found: list[DayGreeting] = []
    after: DayPlace | None = None
    while True:
        page = await calendar.list_day(counted, wanted, after, limit)
        assert len(page.greetings) == limit or page.next is None
        found += page.greetings
        if page.next is None:
            return found
        after = DayPlace.parse(page.next.write())


def seen(greetings: list[DayGreeting]) -> Counter[tuple[object, ...]]:
    """Count the same greeting as the same, whatever it was read from."""
    return Counter((g.user_id, g.message_type, g.timezone, g.send_at) for g in greetings)


@pytest.mark.parametrize(
    ("on", "leap_day"),
    [
        (NEW_YEAR, SkipPolicy.BACKWARD),
        (date(2027, 2, 28), SkipPolicy.BACKWARD),
        (date(2027, 3, 1), SkipPolicy.FORWARD),
        (date(2027, 2, 28), SkipPolicy.OMIT),
    ],
)
async def test_a_forecast_shows_whom_the_plan_then_holds(
    database_url: str, clock: FakeClock, sender: RecordingSender, on: date, leap_day: SkipPolicy
) -> None:
    policies = TimePolicies(leap_day=leap_day)
    clock.set(datetime.combine(on - DAY, datetime.min.time(), UTC))
    config = PipelineConfig(time=policies)
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await pipeline.execute(PEOPLE, sorted(PINNED.served), clock.now())
        foreseen = (await calendar_of(pipeline, policies).count_day(on)).value
        assert foreseen.source is DaySource.FORECAST
        people = await everybody(calendar_of(pipeline, policies), foreseen, DayFilter(), 200)
        await pipeline.daily.run_once()
        planned = (await calendar_of(pipeline, policies).count_day(on)).value
        rows = await everybody(calendar_of(pipeline, policies), planned, DayFilter(), 200)
    assert planned.source is DaySource.PLANS
    assert foreseen.total == planned.total > 1_000
    assert foreseen.by_zone == planned.by_zone
    assert foreseen.by_type == planned.by_type
    assert foreseen.by_instant == planned.by_instant
    assert seen(people) == seen(rows)
    assert len(people) == foreseen.total


async def test_a_year_has_the_days_that_are_counted_one_by_one(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(datetime(2026, 12, 30, tzinfo=UTC))
    await pipeline.execute(PEOPLE, sorted(PINNED.served), clock.now())
    calendar = calendar_of(pipeline)
    year = await calendar.find_year(PATIENCE)
    assert year
    assert len(year.value.days) == 366
    for day in year.value.days:
        if day.on.month in {1, 2, 3} and day.on.day in {1, 2, 28, 29}:
            assert (await calendar.count_day(day.on)).value.total == day.total


async def test_who_wants_none_or_is_too_young_is_not_foreseen(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    wanted = await pipeline.insert(timezone="Asia/Tokyo", anniversary_date="2020-01-01")
    for others in (
        {"anniversary_date": "2027-01-01"},
        {"anniversary_date": "2020-01-01", "anniversary_unsubscribed_at": "2026-01-01"},
        {"anniversary_date": "2020-01-01", "unsubscribed_at": "2026-01-01"},
        {"anniversary_date": "2020-01-01", "deleted_at": "2026-01-01"},
        {"anniversary_date": "2020-01-02"},
        {"birthday_date": "2027-06-01", "anniversary_date": "2020-06-01"},
    ):
        await pipeline.insert(timezone="Asia/Tokyo", **others)
    await pipeline.insert(timezone="Mars/Olympus", anniversary_date="2020-01-01")
    calendar = calendar_of(pipeline)
    counted = (await calendar.count_day(NEW_YEAR)).value
    assert counted.by_zone == {"Asia/Tokyo": 1}
    (one,) = await everybody(calendar, counted, DayFilter(), 10)
    assert one.user_id == wanted
    assert one.send_at == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("is_planned", [True, False])
async def test_a_filter_leaves_one_zone_or_one_type(
    pipeline: Pipeline, clock: FakeClock, *, is_planned: bool
) -> None:
    clock.set(datetime(2026, 12, 31, tzinfo=UTC))
    for zone in ("Asia/Tokyo", "Asia/Seoul", "UTC"):
        for _ in range(3):
            await pipeline.insert(
                timezone=zone, birthday_date="1990-01-01", anniversary_date="2020-01-01"
            )
    if is_planned:
        await pipeline.daily.run_once()
    calendar = calendar_of(pipeline)
    counted = (await calendar.count_day(NEW_YEAR)).value
    assert (counted.source is DaySource.PLANS) == is_planned
    tokyo = DayFilter(frozenset({"Asia/Tokyo", "Japan"}))
    found = await everybody(calendar, counted, tokyo, 4)
    assert [g.timezone for g in found] == ["Asia/Tokyo"] * 6
    assert len(seen(found)) == 6
    births = await everybody(calendar, counted, DayFilter(message_type="BIRTHDAY"), 4)
    assert {g.message_type for g in births} == {"BIRTHDAY"}
    assert len(seen(births)) == 9
    nowhere = await calendar.list_day(counted, DayFilter(frozenset({"Asia/Kabul"})), None, 4)
    assert not nowhere.greetings


async def test_who_leaves_or_comes_between_two_pages_makes_nobody_come_twice_or_be_missed(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    ids = [
        await pipeline.insert(timezone=zone, birthday_date="1990-01-01")
        for zone in ("Asia/Tokyo", "Asia/Tokyo", "Asia/Tokyo", "Europe/London", "UTC")
    ]
    calendar = calendar_of(pipeline)
    counted = (await calendar.count_day(NEW_YEAR)).value
    first = await calendar.list_day(counted, DayFilter(), None, 2)
    shown = [g.user_id for g in first.greetings]
    await pipeline.execute("DELETE FROM users WHERE id = ANY ($1)", shown)
    rest = await calendar.list_day(counted, DayFilter(), first.next, 10)
    assert sorted([*shown, *(g.user_id for g in rest.greetings)]) == sorted(ids)
    # A count of before may miss zones; the list goes on all the same.
    await pipeline.execute("DELETE FROM users WHERE timezone = 'Asia/Tokyo'")
    rest = await calendar.list_day(counted, DayFilter(), None, 10)
    assert [g.timezone for g in rest.greetings] == ["Europe/London", "UTC"]


async def test_a_day_that_is_over_shows_what_became_of_it(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(datetime(2026, 12, 31, tzinfo=UTC))
    await pipeline.insert(timezone="UTC", birthday_date="1990-01-01")
    late = await pipeline.insert(timezone="Asia/Tokyo", birthday_date="1990-01-01")
    await pipeline.daily.run_once()
    calendar = calendar_of(pipeline)
    assert (await calendar.count_day(NEW_YEAR)).value.by_status == {Status.SCHEDULED: 2}
    await pipeline.users.unsubscribe(late)
    clock.set(datetime(2027, 1, 1, 9, tzinfo=UTC))
    await pipeline.send_due()
    clock.set(datetime(2027, 1, 2, tzinfo=UTC))
    assert DAY_EVERY < DAY
    # What was kept is shown once more, while it is read anew.
    await calendar.count_day(NEW_YEAR)
    await calendar.close()
    counted = (await calendar_of(pipeline).count_day(NEW_YEAR)).value
    assert counted.source is DaySource.RECORDS
    assert counted.by_status == {Status.SENT: 1, Status.CANCELLED: 1}
    sent, cancelled = reversed(await everybody(calendar, counted, DayFilter(), 1))
    assert (sent.status, sent.sent_at) == (Status.SENT, datetime(2027, 1, 1, 9, tzinfo=UTC))
    assert (cancelled.user_id, cancelled.status) == (late, Status.CANCELLED)
    nothing = (await calendar.count_day(date(2026, 12, 25))).value
    assert (nothing.source, nothing.total) == (DaySource.RECORDS, 0)


async def test_a_year_that_is_still_being_counted_keeps_nobody_waiting(pipeline: Pipeline) -> None:
    await pipeline.insert(timezone="UTC", birthday_date="1990-01-01")
    calendar = calendar_of(pipeline)
    assert await calendar.find_year(timedelta(0)) is None
    year = await calendar.find_year(PATIENCE)
    assert year
    assert year.value.totals == {"BIRTHDAY": 1, "ANNIVERSARY": 0}
