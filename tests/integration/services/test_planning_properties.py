"""Laws of planning: twice is once, and any runs that cover a window plan what one would."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heyday.domain.policies import TimePolicies
from heyday.domain.timezone import Window
from heyday.domain.tzdb import PINNED
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import START_AT, FakeClock, RecordingSender

DAY = timedelta(days=1)
LONGEST = timedelta(days=4)
# Plans get their moment from the case, and nothing is sent.
CLOCK, SENDER = FakeClock(START_AT), RecordingSender()
# Days around which something is special: none, the end of February, clocks that change, New Year.
STARTS = [date(2027, 1, 20), date(2027, 2, 26), date(2027, 3, 12), date(2027, 3, 26)]
STARTS += [date(2027, 11, 5), date(2027, 12, 30)]

# Each example takes several plans for everybody, so there are few. Each begins with empty tables,
# so one database may serve all of them.
few = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Case:
    """People, and a window with runs that cover it: in any order, overlapping, some twice."""

    people: Sequence[dict[str, str]]
    window: Window
    now: datetime
    runs: Sequence[Window]
    spread: timedelta

    @property
    def config(self) -> PipelineConfig:
        """Return how the planner is set."""
        return PipelineConfig(time=TimePolicies(spread=self.spread))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    start_at = datetime.combine(draw(st.sampled_from(STARTS)), datetime.min.time(), UTC)
    start_at += draw(st.timedeltas(timedelta(), DAY))
    end_at = start_at + draw(st.timedeltas(DAY, LONGEST))
    inside = st.datetimes(
        start_at.replace(tzinfo=None), end_at.replace(tzinfo=None), timezones=st.just(UTC)
    )
    borders = sorted([start_at, *draw(st.lists(inside, max_size=3)), end_at])
    runs = [Window(a, b) for a, b in pairwise(borders)]
    for a, b in draw(st.lists(st.tuples(inside, inside), max_size=2)):
        runs.append(Window(min(a, b), max(a, b)))
    people = draw(st.lists(persons(start_at.date()), min_size=1, max_size=4))
    spread = draw(st.sampled_from([timedelta(), timedelta(minutes=7), timedelta(hours=4)]))
    window, order = Window(start_at, end_at), st.permutations(runs)
    return Case(people, window, draw(inside), draw(order), spread)


@st.composite
def persons(draw: st.DrawFn, near: date) -> dict[str, str]:
    """Draw somebody whose days come near a date."""
    days = st.integers(-1, 4).map(lambda n: f"{near + n * DAY:%m-%d}") | st.just("02-29")
    return {
        "timezone": draw(st.sampled_from(sorted(PINNED.names))),
        "birthday_date": f"1984-{draw(days)}",
        "anniversary_date": f"2016-{draw(days)}",
    }


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all examples of a test."""
    with asyncio.Runner() as runner:
        yield runner


async def plan(pipeline: Pipeline, windows: Sequence[Window], now: datetime) -> int:
    """Plan these windows, one after the other; return how many rows were new."""
    planner, database = pipeline.planner, pipeline.database
    return sum([await planner.plan_window(database, window, now) for window in windows])


async def begin(pipeline: Pipeline, case: Case) -> None:
    """Leave nobody but the people of the case."""
    await pipeline.execute("DELETE FROM users; DELETE FROM idempotency_keys")
    for person in case.people:
        await pipeline.insert(**person)


async def forget_plans(pipeline: Pipeline) -> None:
    await pipeline.execute("DELETE FROM message_logs; DELETE FROM idempotency_keys")


async def planned_rows(pipeline: Pipeline) -> list[asyncpg.Record]:
    return await pipeline.rows(
        "SELECT user_id, message_type, delivery_date, scheduled_send_time, status, timezone, "
        "idempotency_key, message_content, occasion_date, tzdb_version, error_message, "
        "(SELECT count(*) FROM idempotency_keys) AS keys FROM message_logs "
        "ORDER BY user_id, message_type, delivery_date"
    )


@few
@given(case=cases())
def test_planning_twice_is_planning_once(
    database_url: str, runner: asyncio.Runner, case: Case
) -> None:
    async def check() -> None:
        config = case.config
        async with open_pipeline(
            database_url, clock=CLOCK, sender=SENDER, config=config
        ) as pipeline:
            await begin(pipeline, case)
            planned = await plan(pipeline, [case.window], case.now)
            once = await planned_rows(pipeline)
            assert planned == len(once)
            assert all(row["scheduled_send_time"] in case.window for row in once)
            assert await plan(pipeline, [case.window], case.now) == 0
            assert await planned_rows(pipeline) == once

    runner.run(check())


@few
@given(case=cases())
def test_any_runs_that_cover_a_window_plan_what_one_would(
    database_url: str, runner: asyncio.Runner, case: Case
) -> None:
    async def check() -> None:
        config = case.config
        async with open_pipeline(
            database_url, clock=CLOCK, sender=SENDER, config=config
        ) as pipeline:
            await begin(pipeline, case)
            await plan(pipeline, [case.window], case.now)
            whole = await planned_rows(pipeline)
            await forget_plans(pipeline)
            assert await plan(pipeline, case.runs, case.now) == len(whole)
            assert await planned_rows(pipeline) == whole

    runner.run(check())
