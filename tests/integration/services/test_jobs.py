"""The journal: each run leaves a row, however it ends."""

import asyncio
from datetime import timedelta

import pytest

from heyday.domain.timezone import Window
from heyday.services.jobs import JobJournal
from tests.factories import Pipeline
from tests.fakes import START_AT, FakeClock

HOUR = timedelta(hours=1)


@pytest.fixture
def journal(pipeline: Pipeline, clock: FakeClock) -> JobJournal:
    return JobJournal(pipeline.database, clock)


async def run_rows(pipeline: Pipeline) -> list[tuple[object, ...]]:
    rows = await pipeline.rows(
        "SELECT name, started_at, finished_at, window_start, window_end, counts::text, error, "
        "is_manual FROM job_runs ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def test_a_run_that_ends_well(
    pipeline: Pipeline, journal: JobJournal, clock: FakeClock
) -> None:
    window = Window(START_AT, START_AT + HOUR)
    async with journal.run("daily", window) as counts:
        counts["planned"] = 3
        clock.advance(HOUR)
    assert await run_rows(pipeline) == [
        (
            "daily", START_AT, START_AT + HOUR, START_AT, START_AT + HOUR,
            '{"planned": 3}', None, False,
        )
    ]  # fmt: skip


async def test_a_run_that_fails_names_the_kind_of_fault_and_no_more(
    pipeline: Pipeline, journal: JobJournal
) -> None:
    async def fail() -> None:
        async with journal.run("minute", is_manual=True) as counts:
            counts["enqueued"] = 1
            raise LookupError("ada@example.com")

    with pytest.raises(LookupError):
        await fail()
    assert await run_rows(pipeline) == [
        ("minute", START_AT, START_AT, None, None, '{"enqueued": 1}', "LookupError", True)
    ]


async def test_a_run_that_is_stopped_says_so(pipeline: Pipeline, journal: JobJournal) -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with journal.run("recovery"):
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    ((*_, finished, _, _, _, error, _),) = await run_rows(pipeline)
    assert (finished, error) == (START_AT, "stopped before the end")


async def test_a_run_that_is_killed_has_no_end_and_moves_no_watermark(
    pipeline: Pipeline, journal: JobJournal
) -> None:
    run = journal.run("daily", Window(START_AT, START_AT + HOUR))
    await run.__aenter__()
    async with pipeline.database.session() as session:
        assert await session.jobs.find_watermark("daily") is None
        (latest,) = await session.jobs.list_latest()
    assert latest.finished_at is None
    await run.__aexit__(None, None, None)
    async with pipeline.database.session() as session:
        assert await session.jobs.find_watermark("daily") == START_AT + HOUR


async def test_the_latest_run_of_each_name_is_shown_and_none_by_hand(
    pipeline: Pipeline, journal: JobJournal, clock: FakeClock
) -> None:
    for name, is_manual in (
        ("daily", False),
        ("minute", False),
        ("minute", False),
        ("daily", True),
    ):
        clock.advance(HOUR)
        async with journal.run(name, is_manual=is_manual):
            pass
    async with pipeline.database.session() as session:
        latest = {run.name: run.started_at for run in await session.jobs.list_latest()}
    assert latest == {"daily": START_AT + HOUR, "minute": START_AT + 3 * HOUR}
