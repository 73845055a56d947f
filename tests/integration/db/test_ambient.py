"""A transaction around all that a task does: joined by its steps, and by nothing else."""

import asyncio

import asyncpg
import pytest

from heyday.domain.errors import EmailTaken
from heyday.domain.ports import Session
from heyday.domain.transactions import apart
from tests.factories import Pipeline, person

COUNT = "SELECT count(*) FROM users"


class Stop(Exception):
    pass


async def test_what_is_done_inside_is_one_transaction(pipeline: Pipeline) -> None:
    async def fail() -> None:
        async with pipeline.database.around():
            await pipeline.create()
            await pipeline.create()
            assert await pipeline.value(COUNT) == 2
            raise Stop

    with pytest.raises(Stop):
        await fail()
    assert await pipeline.value(COUNT) == 0
    async with pipeline.database.around():
        await pipeline.create()
    assert await pipeline.value(COUNT) == 1


async def test_a_step_that_fails_is_undone_alone(pipeline: Pipeline) -> None:
    async with pipeline.database.around():
        await pipeline.create(email="ada@example.com")
        with pytest.raises(EmailTaken):
            await pipeline.create(email="ADA@example.com")
        await pipeline.create(email="bob@example.com")
    assert await pipeline.value(COUNT) == 2


async def test_a_step_that_postgresql_undid_is_tried_again(pipeline: Pipeline) -> None:
    tries = 0

    async def work(session: Session) -> None:
        nonlocal tries
        tries += 1
        await pipeline.execute(
            "INSERT INTO users (first_name, last_name, email, timezone) "
            "VALUES ('A', 'B', 'a@example.com', 'UTC')"
        )
        if tries < 3:
            raise asyncpg.DeadlockDetectedError
        assert await session.users.count() == 2

    async with pipeline.database.around():
        await pipeline.create()
        await pipeline.database.in_transaction(work)
    assert (tries, await pipeline.value(COUNT)) == (3, 2)


async def test_what_is_apart_stays_whatever_becomes_of_the_rest(pipeline: Pipeline) -> None:
    async def fail() -> None:
        async with pipeline.database.around():
            await pipeline.create()
            with apart():
                await pipeline.create(email="apart@example.com")
            raise Stop

    with pytest.raises(Stop):
        await fail()
    assert await pipeline.value("SELECT string_agg(email, ',') FROM users") == "apart@example.com"


async def test_other_tasks_join_nothing(pipeline: Pipeline) -> None:
    async with pipeline.database.around():
        await pipeline.create()
        counts = await asyncio.gather(pipeline.value(COUNT), pipeline.value(COUNT))
        assert list(counts) == [0, 0]
        late = asyncio.create_task(pipeline.users.create(person()))
        await late
    assert await pipeline.value(COUNT) == 2


async def test_nothing_is_joined_after_the_end(pipeline: Pipeline) -> None:
    async with pipeline.database.around() as inside:
        pass
    async with pipeline.database.around() as again, pipeline.database.connection() as joined:
        assert joined is again
        assert joined is not inside
    with pytest.raises(asyncpg.InterfaceError):
        await inside.execute("SELECT 1")
