"""Import jobs through crashes, takeovers and cancellation: each person once, the counts right."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import pytest

from heyday.db.import_jobs import ImportJobRepository
from heyday.domain.errors import DatabaseUnavailable
from heyday.domain.imports import MOST_CLAIMS, ImportJob, ImportState
from heyday.domain.ports import Session, Store
from heyday.domain.readings import Encoding
from heyday.domain.written_dates import DateOrder
from heyday.services.import_jobs import ImportJobService
from heyday.services.import_previews import ImportPreviewService
from heyday.services.import_running import ImportRunConfig, ImportRunner
from heyday.services.importing import ImportService
from tests.factories import Pipeline
from tests.fakes import FakeClock

T = TypeVar("T")

HEADER = "first_name,last_name,email,timezone,birthday_date"
ROWS = 1000
CHUNK = 100
# Of every ten rows one is wrong, and one repeats the address of the first.
WRONG, REPEATED = 3, 7


def row(number: int) -> str:
    address = f"ada{number}@example.com"
    if number % 10 == WRONG:
        address = "nobody"
    elif number % 10 == REPEATED:
        address = "ADA0@example.com"
    return f"Ada,L{number},{address},Europe/London,1990-01-15\n"


CONTENT = f"{HEADER}\n{''.join(map(row, range(ROWS)))}".encode()


async def whole(content: bytes = CONTENT) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 5000):
        yield content[at : at + 5000]


class DyingStore:
    """Break down for good at a commit, before or after it, as the process would."""

    def __init__(self, store: Store, commits: int, *, after: bool) -> None:
        self._store = store
        self._left = commits
        self._after = after

    def session(self) -> AbstractAsyncContextManager[Session]:
        return self._store.session()

    async def in_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        self._left -= 1
        if self._left < 0 or (self._left == 0 and not self._after):
            raise DatabaseUnavailable("the process is dead")
        result = await self._store.in_transaction(work)
        if self._left == 0:
            raise DatabaseUnavailable("the process is dead")
        return result


class FrozenStore:
    """Stand still before a transaction, for as long as something else takes."""

    def __init__(self, store: Store, at: int, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._left = at
        self._meanwhile = meanwhile

    def session(self) -> AbstractAsyncContextManager[Session]:
        return self._store.session()

    async def in_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        self._left -= 1
        if self._left == 0:
            await self._meanwhile()
        return await self._store.in_transaction(work)


def runner(pipeline: Pipeline, store: Store | None = None) -> ImportRunner:
    """Return what runs imports in another process."""
    store = store or pipeline.database
    importer = ImportService(store, pipeline.planner, pipeline.clock, CHUNK)
    return ImportRunner(store, importer, pipeline.clock)


async def expire(pipeline: Pipeline) -> None:
    """Let the lease of whoever died run out."""
    await pipeline.execute(
        "UPDATE import_jobs SET lease_until = now() - interval '1 s' WHERE state = 'running'"
    )


async def submit(pipeline: Pipeline, content: bytes = CONTENT) -> ImportJob:
    service = ImportJobService(pipeline.database, pipeline.clock, chunk_bytes=3000)
    return await service.receive(whole(content))


async def assert_done(pipeline: Pipeline, job_id: UUID) -> None:
    """Assert that all is as if nothing had happened on the way."""
    job = await pipeline.imports.get(job_id)
    assert job.state is ImportState.DONE
    assert (job.imported, job.updated, job.rejected) == (800, 0, 200)
    assert (job.rows_done, job.bytes_done) == (ROWS, len(CONTENT))
    people = "SELECT count(*) FROM users WHERE created_at = updated_at"
    assert await pipeline.value(people) == 800
    assert await pipeline.value("SELECT count(*) FROM message_logs") == 800
    lines = "SELECT array_agg(line ORDER BY line) FROM import_rejects"
    wrong = [n + 2 for n in range(ROWS) if n % 10 in {WRONG, REPEATED}]
    assert await pipeline.value(lines) == wrong
    assert await pipeline.value("SELECT count(*) FROM import_chunks") == 0


async def test_rows_are_counted_by_what_became_of_them(pipeline: Pipeline) -> None:
    await submit(pipeline)
    await pipeline.import_runner.run_once()
    shown = {
        outcome: pipeline.metrics.registry.get_sample_value(
            "heyday_import_rows_total", {"outcome": outcome}
        )
        for outcome in ("imported", "updated", "unchanged", "rejected")
    }
    assert shown == {"imported": 800, "updated": 0, "unchanged": 0, "rejected": 200}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("commits", [2, 4, 7, 13, 14])
async def test_another_process_goes_on_where_one_died(
    pipeline: Pipeline, commits: int, *, after: bool
) -> None:
    """The commits: cleaning, the claim, partitions of the plans, ten chunks, the end."""
    job = await submit(pipeline)
    dying = runner(pipeline, DyingStore(pipeline.database, commits, after=after))
    with pytest.raises(DatabaseUnavailable):
        await dying.run_once()
    assert not await runner(pipeline).run_once() or (commits, after) == (2, False)
    await expire(pipeline)
    await runner(pipeline).run_once()
    await assert_done(pipeline, job.id)


@pytest.mark.parametrize("commits", [2, 4, 7, 13])
async def test_another_process_reads_a_file_as_somebody_said(
    pipeline: Pipeline, commits: int
) -> None:
    """Columns by other names, semicolons, Windows-1252, the day first, and one zone for all."""
    rows = "".join(f"15/01/1990;Jürgen;Groß;ü{n}@example.com;44\n" for n in range(ROWS))
    content = f"Geburtstag;Vorname;Name;E-Mail;Schuhgröße\n{rows}".encode("cp1252")
    service = ImportJobService(pipeline.database, pipeline.clock, chunk_bytes=3000)
    previews = ImportPreviewService(pipeline.database, pipeline.clock)
    job = await service.receive_to_look_at(whole(content), "Leute.csv")
    assert job.reading
    assert job.reading.encoding is Encoding.WINDOWS_1252
    # The process that took it in is gone: what was guessed, and what is said now, is stored.
    reading = replace(job.reading, zone="Asia/Tokyo", dates=DateOrder.DAY_FIRST)
    assert await previews.start(await service.get(job.id), reading)
    assert not await previews.start(job, reading)
    with pytest.raises(DatabaseUnavailable):
        await runner(pipeline, DyingStore(pipeline.database, commits, after=True)).run_once()
    await expire(pipeline)
    await runner(pipeline).run_once()
    done = await pipeline.imports.get(job.id)
    assert (done.state, done.imported, done.updated, done.rejected) == (
        ImportState.DONE, ROWS, 0, 0,
    )  # fmt: skip
    people = await pipeline.rows(
        "SELECT DISTINCT first_name, last_name, timezone, birthday_date::text FROM users"
    )
    assert [tuple(row) for row in people] == [("Jürgen", "Groß", "Asia/Tokyo", "1990-01-15")]
    assert await pipeline.value("SELECT count(*) FROM message_logs") == ROWS


async def test_a_file_that_can_be_read_by_nobody_fails_at_once(pipeline: Pipeline) -> None:
    """A zone that the tz database has dropped between the start and the import, say."""
    job = await submit(pipeline)
    reading = '{"columns": {"email": 2}, "zone": "Mars/Olympus"}'
    await pipeline.execute("UPDATE import_jobs SET reading = $1", reading)
    assert await runner(pipeline).run_once()
    failed = await pipeline.imports.get(job.id)
    assert failed.state is ImportState.FAILED
    assert "zone: is not an IANA time zone" in str(failed.error)
    assert not await runner(pipeline).run_once()


async def test_a_process_that_dies_again_and_again_makes_way_for_the_next(
    pipeline: Pipeline,
) -> None:
    job = await submit(pipeline)
    for _ in range(MOST_CLAIMS - 1):
        with pytest.raises(DatabaseUnavailable):
            await runner(pipeline, DyingStore(pipeline.database, 3, after=True)).run_once()
        await expire(pipeline)
    await runner(pipeline).run_once()
    await assert_done(pipeline, job.id)


async def test_what_kills_every_process_is_given_up_and_others_go_on(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    job = await submit(pipeline)
    clock.advance(timedelta(seconds=1))
    after_it = await submit(pipeline)
    for _ in range(MOST_CLAIMS):
        with pytest.raises(DatabaseUnavailable):
            await runner(pipeline, DyingStore(pipeline.database, 2, after=True)).run_once()
        await expire(pipeline)
    assert await runner(pipeline).run_once()
    failed = await pipeline.imports.get(job.id)
    assert failed.state is ImportState.FAILED
    assert "again and again" in str(failed.error)
    assert await runner(pipeline).run_once()
    await assert_done(pipeline, after_it.id)


async def test_a_process_that_lost_its_claim_stores_nothing_more(pipeline: Pipeline) -> None:
    """One that stood still for longer than its lease, while another took the job over."""
    job = await submit(pipeline)

    async def take_over() -> None:
        await expire(pipeline)
        assert await runner(pipeline).run_once()

    overtaken = runner(pipeline, FrozenStore(pipeline.database, 5, take_over))
    assert await overtaken.run_once()
    await assert_done(pipeline, job.id)


async def test_imports_go_on_one_after_another_in_the_order_in_which_they_came(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    first = await submit(pipeline)
    clock.advance(timedelta(seconds=1))
    second = await submit(pipeline)
    lease = timedelta(minutes=1)
    async with pipeline.database.session() as one, pipeline.database.session() as other:
        claimed = await asyncio.gather(
            *(session.imports.claim_next(clock.now(), lease) for session in (one, other))
        )
        assert [job.id for job in claimed if job] == [first.id]
        assert await one.imports.claim_next(clock.now(), lease) is None
    await expire(pipeline)
    assert await runner(pipeline).run_once()
    assert (await pipeline.imports.get(second.id)).state is ImportState.WAITING
    assert await runner(pipeline).run_once()
    assert (await pipeline.imports.get(second.id)).updated == 800


async def test_what_is_cancelled_while_it_runs_stops_at_the_next_chunk(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await submit(pipeline)
    add_rejects = ImportJobRepository.add_rejects
    chunks = 0

    async def cancelled(jobs: ImportJobRepository, *given: object) -> None:
        nonlocal chunks
        chunks += 1
        await add_rejects(jobs, *given)  # type: ignore[arg-type]
        if chunks == 2:
            cancelling.append(asyncio.create_task(pipeline.imports.remove(job.id)))
            await pipeline.wait_until_blocked()

    cancelling: list[asyncio.Task[None]] = []
    monkeypatch.setattr(ImportJobRepository, "add_rejects", cancelled)
    assert await runner(pipeline).run_once()
    await asyncio.gather(*cancelling)
    ended = await pipeline.imports.get(job.id)
    assert (ended.state, ended.rows_done, chunks) == (ImportState.CANCELLED, 2 * CHUNK, 2)
    assert await pipeline.value("SELECT count(*) FROM users") == ended.imported == 160
    for table in ("import_chunks", "import_rejects"):
        assert await pipeline.value(f"SELECT count(*) FROM {table}") == 0  # noqa: S608


async def test_a_process_that_ends_in_order_makes_way_at_once(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await submit(pipeline)
    add_rejects = ImportJobRepository.add_rejects
    arrived = asyncio.Event()

    async def slow(jobs: ImportJobRepository, *given: object) -> None:
        await add_rejects(jobs, *given)  # type: ignore[arg-type]
        arrived.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(ImportJobRepository, "add_rejects", slow)
        running = asyncio.create_task(runner(pipeline).run_once())
        await arrived.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert await runner(pipeline).run_once()
    await assert_done(pipeline, job.id)


async def test_a_process_that_lives_keeps_its_job(pipeline: Pipeline) -> None:
    """Beats prolong the lease while the first chunk takes longer than it."""
    job = await submit(pipeline)
    config = ImportRunConfig(lease=timedelta(milliseconds=300))
    importer = ImportService(pipeline.database, pipeline.planner, pipeline.clock, CHUNK)
    living = ImportRunner(pipeline.database, importer, pipeline.clock, config)
    lock = "SELECT pg_advisory_lock(1); LOCK TABLE users IN SHARE MODE"
    async with pipeline.database.connection() as holding:
        transaction = holding.transaction()
        await transaction.start()
        await holding.execute(lock)
        running = asyncio.create_task(living.run_once())
        await pipeline.wait_until_blocked()
        until = "SELECT lease_until FROM import_jobs"
        first = await pipeline.value(until)
        async with asyncio.timeout(10):
            while await pipeline.value(until) == first:
                pass
        await transaction.rollback()
    await running
    await assert_done(pipeline, job.id)


async def test_an_upload_that_breaks_off_leaves_nothing(pipeline: Pipeline) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield CONTENT[:20_000]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await pipeline.imports.receive(broken())
    assert await pipeline.value("SELECT count(*) FROM import_jobs") == 0


async def test_an_upload_whose_process_died_is_never_run_or_shown_and_goes(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield CONTENT[:20_000]
        arrived.set()
        await asyncio.Event().wait()

    arrived = asyncio.Event()
    uploading = asyncio.create_task(pipeline.imports.receive(endless()))
    await arrived.wait()
    assert await pipeline.imports.list_page(None, 10) == []
    assert not await pipeline.import_runner.run_once()
    await pipeline.execute("UPDATE import_jobs SET lease_until = now() - interval '1 s'")
    clock.advance(timedelta(hours=1))
    assert not await pipeline.import_runner.run_once()
    assert await pipeline.value("SELECT count(*) FROM import_jobs") == 0
    uploading.cancel()
    await asyncio.gather(uploading, return_exceptions=True)


async def test_a_job_is_announced(pipeline: Pipeline) -> None:
    listening = asyncio.create_task(pipeline.notifications.run())
    event = pipeline.notifications.event("heyday_imports")
    async with asyncio.timeout(10):
        await event.wait()
        event.clear()
        await submit(pipeline)
        await event.wait()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
