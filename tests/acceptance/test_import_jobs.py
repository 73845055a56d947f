"""A file that is being imported outlives the process that works at it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from heyday.services.import_running import JOB_CHUNK_ROWS
from tests.acceptance.processes import heyday
from tests.factories import Pipeline

PEOPLE = 8 * JOB_CHUNK_ROWS + 500
# By the clock of the machine, which a program of its own reads. 1992 had every day.
TOMORROW = datetime.now(UTC) + timedelta(days=1)  # noqa: TID251 - as above


async def upload() -> AsyncIterator[bytes]:
    """A file whose chunks all have something to plan; every hundredth row is wrong."""
    yield b"first_name,last_name,email,timezone,birthday_date\n"
    for number in range(PEOPLE):
        address = "nobody" if number % 100 == 99 else f"a{number}@example.com"
        yield f"Ada,L,{address},UTC,1992-{TOMORROW:%m-%d}\n".encode()


async def test_another_process_goes_on_where_one_was_killed(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    job = await pipeline.imports.receive(upload())
    settings = {"DATABASE_URL": pipeline.url, "PORT": "0"}
    point = {"HEYDAY_FAILPOINTS": "plan.after_commit=kill#2"}
    async with heyday("api", cwd=tmp_path, **settings, **point) as api:
        await api.said("failpoint_reached.*plan.after_commit")
        async with asyncio.timeout(10):
            assert await api.process.wait() == -signal.SIGKILL
    left = await pipeline.imports.get(job.id)
    assert (left.state, left.rows_done) == ("running", 2 * JOB_CHUNK_ROWS)
    # As if the time had passed until the claim of the dead ran out.
    await pipeline.execute("UPDATE import_jobs SET lease_until = now()")
    async with heyday("api", cwd=tmp_path, **settings) as api:
        await api.said("import_ended.*state=done")
        assert await api.stop(10) == 0
    wrong = PEOPLE // 100
    done = await pipeline.imports.get(job.id)
    assert (done.imported, done.updated, done.rejected) == (PEOPLE - wrong, 0, wrong)
    assert await pipeline.value("SELECT count(*) FROM users") == PEOPLE - wrong
    assert await pipeline.value("SELECT count(*) FROM message_logs") == PEOPLE - wrong
    assert await pipeline.value("SELECT count(*) FROM import_rejects") == wrong


async def test_a_process_that_is_asked_to_end_leaves_the_rest_to_the_next_at_once(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    job = await pipeline.imports.receive(upload())
    settings = {"DATABASE_URL": pipeline.url, "PORT": "0"}
    async with heyday("api", cwd=tmp_path, **settings) as api:
        await api.said("import_started")
        assert await api.stop(10) == 0
    async with heyday("api", cwd=tmp_path, **settings) as api:
        await api.said("import_ended.*state=done", seconds=30)
    done = await pipeline.imports.get(job.id)
    assert done.imported + done.rejected == PEOPLE
