"""A database that was set back holds everything, learns what was sent, and sends it not again."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from heyday.db.connection import Database, PoolConfig
from heyday.db.restores import RestoreRepository
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.errors import DatabaseHeld, LedgerAhead, NotHeld, SendsUnwritable
from heyday.domain.send_ports import NO_LEDGER, Comparison, Replayed, SendLedger
from heyday.sends.files import FileLedger
from heyday.services.restores import RestoreGuard, RestoreService
from heyday.telemetry import Metrics
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock, FakeGuard, RecordingSender
from tests.postgres import database_at

NINE = timedelta(hours=9)
BORN_TODAY = {"timezone": "UTC", "birthday_date": "1990-01-14"}
BORN_LATER = {"timezone": "America/New_York", "birthday_date": "1990-01-14"}
AMBIGUOUS = Outcome(OutcomeKind.AMBIGUOUS, error="timeout")


class Place:
    """Hold a database, its backup, and a ledger that neither of them reaches."""

    def __init__(self, url: str, folder: Path, clock: FakeClock, sender: RecordingSender) -> None:
        self.url = url
        self.backup = url.rpartition("/")[2] + "_backup"
        self.folder = folder
        self.clock = clock
        self.sender = sender

    async def back_up(self) -> None:
        """Copy the database as it is."""
        await self._run(f"CREATE DATABASE {self.backup} TEMPLATE {self.url.rpartition('/')[2]}")

    @property
    def restored(self) -> str:
        """Return where the copy is."""
        return database_at(self.url, self.backup)

    async def drop(self) -> None:
        """Let go of the copy."""
        await self._run(f"DROP DATABASE IF EXISTS {self.backup} WITH (FORCE)")

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(database_at(self.url, "postgres"))
        await connection.execute(statement)
        await connection.close()

    def ledger(self) -> FileLedger:
        """Return that of a process which starts now."""
        return FileLedger(self.folder, self.clock, Metrics(), timedelta(days=7))

    @contextlib.asynccontextmanager
    async def process(
        self, url: str | None = None, ledger: SendLedger | None = None
    ) -> AsyncIterator[tuple[Pipeline, RestoreGuard, RestoreService]]:
        """Lend a process on a database, this one unless told, with what guards it."""
        database = Database(PoolConfig(url or self.url, min_size=1, max_size=2))
        await database.open()
        store, kept = RestoreRepository(database, "2027a"), ledger or self.ledger()
        guard = RestoreGuard(store, kept, FakeGuard(), self.clock, Metrics())
        config = PipelineConfig(ledger=kept, guard=guard)
        async with open_pipeline(
            url or self.url, clock=self.clock, sender=self.sender, config=config
        ) as pipeline:
            plan = pipeline.scheduling.plan
            yield pipeline, guard, RestoreService(store, kept, plan, self.clock)
        await kept.close()
        await database.close()


@pytest.fixture
async def place(
    database_url: str, tmp_path: Path, clock: FakeClock, sender: RecordingSender
) -> AsyncIterator[Place]:
    """A database with a ledger."""
    place = Place(database_url, tmp_path / "sends", clock, sender)
    yield place
    await place.drop()


@pytest.fixture
def sender() -> RecordingSender:
    """A provider that knows no keys."""
    return RecordingSender(honours_keys=False)


async def test_what_was_sent_since_the_backup_is_known_again_and_leaves_once(place: Place) -> None:
    async with place.process() as (before, _, _):
        await before.create(**BORN_TODAY)
        await before.insert(**BORN_TODAY)
        later = await before.create(**BORN_LATER)
        await before.minute.run_once()
    await place.back_up()
    async with place.process() as (lost, _, _):
        await lost.daily.run_once()
        stranger = await lost.create(**BORN_TODAY)
        place.clock.advance(NINE)
        assert await lost.send_due() == 3
    sent = sorted(place.sender.keys)

    async with place.process(place.restored) as (here, guard, restores):
        for job in (here.daily, here.minute, here.sweep, here.recovery):
            with pytest.raises(DatabaseHeld, match="it was restored; nothing is planned or sent"):
                await job.run_once()
        with pytest.raises(LedgerAhead, match="3 greetings"):
            await restores.resume()
        state = await restores.show()
        assert state.counts == Comparison(unsettled=1, missing=2, strangers=1)
        assert state.hold
        assert state.hold.reason == "REWOUND"

        assert await restores.replay() == Replayed(settled=2, added=1)
        assert await restores.replay() == Replayed()
        assert (await restores.show()).counts == Comparison(known=3, strangers=1)
        texts = {row["message_content"] for row in await here.messages() if row["status"] == "SENT"}
        assert texts == {"Hey, Ada Lovelace it's your birthday"}
        ledger = "SELECT count(*) FROM idempotency_keys WHERE user_id = $1"
        assert await here.value(ledger, stranger.id) == 1

        await restores.resume()
        place.clock.advance(timedelta(seconds=2))
        await guard.check()
        await here.recovery.run_once()
        place.clock.advance(timedelta(hours=5))
        assert await here.send_due() == 1
        assert [row["status"] for row in await here.messages()] == ["SENT"] * 3
    assert sorted(place.sender.keys) == sorted([*sent, f"{later.id}:BIRTHDAY:2027-01-14"])


async def test_what_may_have_been_sent_is_an_ambiguous_attempt(place: Place) -> None:
    async with place.process() as (before, _, _):
        once = await before.create(**BORN_TODAY)
        twice = await before.create(**BORN_TODAY)
    await place.back_up()
    key = f"{twice.id}:BIRTHDAY:2027-01-14"
    place.sender.script(f"{once.id}:BIRTHDAY:2027-01-14", AMBIGUOUS)
    place.sender.script(key, AMBIGUOUS, AMBIGUOUS)
    async with place.process() as (lost, _, _):
        place.clock.advance(NINE)
        assert await lost.send_due() == 2
        await lost.execute(
            "UPDATE message_logs SET scheduled_send_time = scheduled_send_time, status = 'FAILED' "
            "WHERE user_id = $1",
            once.id,
        )
        place.clock.advance(timedelta(minutes=1))
        assert await lost.send_due() == 1
        assert await lost.statuses(twice.id) == ["UNKNOWN"]

    async with place.process(place.restored) as (here, _, restores):
        with pytest.raises(DatabaseHeld):
            await here.minute.run_once()
        assert await restores.replay() == Replayed(doubtful=2)
        assert await restores.replay() == Replayed()
        await restores.resume()
        place.clock.advance(timedelta(seconds=2))
        await here.execute("SELECT pg_sleep(1.1)")
        await here.sweep.run_once()
        rows = {row["user_id"]: row for row in await here.messages()}
        assert (rows[once.id]["status"], rows[once.id]["ambiguous_count"]) == ("RETRYING", 1)
        assert (rows[twice.id]["status"], rows[twice.id]["ambiguous_count"]) == ("UNKNOWN", 2)
        # What the sweep has decided since is not put in doubt a second time.
        await restores.hold()
        assert await restores.replay() == Replayed()
        await restores.resume()
        place.clock.advance(timedelta(seconds=2))
        place.clock.advance(timedelta(minutes=1))
        assert await here.send_due() == 1


async def test_a_database_that_lost_nothing_raises_no_alarm(place: Place) -> None:
    async with place.process() as (before, _, _):
        await before.create(**BORN_TODAY)
        place.clock.advance(NINE)
        await before.send_due()
        place.clock.advance(timedelta(minutes=2))
        await before.minute.run_once()
    await place.back_up()
    async with place.process(place.restored) as (here, guard, restores):
        await guard.check()
        assert await here.send_due() == 0
        with pytest.raises(NotHeld):
            await restores.replay()
        with pytest.raises(NotHeld):
            await restores.resume()


async def test_a_restore_that_lost_no_letter_is_found_by_the_runs_of_jobs(place: Place) -> None:
    async with place.process() as (before, _, _):
        await before.minute.run_once()
    await place.back_up()
    async with place.process() as (lost, guard, _):
        await lost.minute.run_once()
        place.clock.advance(timedelta(minutes=2))
        await guard.check()
    async with place.process(place.restored) as (here, guard, restores):
        with pytest.raises(DatabaseHeld):
            await guard.check()
        assert await restores.replay() == Replayed()
        await restores.resume()
        place.clock.advance(timedelta(seconds=2))
        await guard.check()
        await here.minute.run_once()


async def test_one_process_with_a_ledger_stops_those_without(place: Place) -> None:
    async with place.process() as (before, _, _):
        await before.create(**BORN_TODAY)
    await place.back_up()
    async with place.process() as (lost, _, _):
        place.clock.advance(NINE)
        await lost.send_due()
    async with (
        place.process(place.restored) as (_, guard, _),
        place.process(place.restored, NO_LEDGER) as (other, _, _),
    ):
        with pytest.raises(DatabaseHeld):
            await guard.check()
        with pytest.raises(DatabaseHeld):
            await other.minute.run_once()


async def test_who_knows_better_may_go_on_all_the_same(place: Place) -> None:
    async with place.process() as (before, _, _):
        await before.create(**BORN_TODAY)
    await place.back_up()
    async with place.process() as (lost, _, _):
        place.clock.advance(NINE)
        await lost.send_due()
    async with place.process(place.restored) as (here, guard, restores):
        with pytest.raises(DatabaseHeld):
            await guard.check()
        with pytest.raises(LedgerAhead, match="1 greetings"):
            await restores.resume()
        await restores.resume(is_anyway=True)
        place.clock.advance(timedelta(seconds=2))
        assert await here.send_due() == 1


async def test_a_person_holds_everything_and_lets_go(place: Place) -> None:
    async with place.process() as (here, guard, restores):
        assert await restores.hold()
        assert not await restores.hold()
        with pytest.raises(DatabaseHeld, match="somebody holds everything"):
            await here.minute.run_once(place.clock.now())
        await restores.resume()
        place.clock.advance(timedelta(seconds=2))
        await guard.check()


async def test_a_database_that_is_set_back_under_a_running_process_is_found(place: Place) -> None:
    async with place.process() as (here, guard, _):
        await here.create(**BORN_TODAY)
        place.clock.advance(NINE)
        await here.send_due()
        await guard.check()
        await here.execute("UPDATE message_logs SET status = 'SCHEDULED', epoch = 0")
        place.clock.advance(timedelta(seconds=2))
        with pytest.raises(DatabaseHeld):
            await guard.check()


async def test_people_who_are_removed_by_sql_are_no_restore(place: Place) -> None:
    async with place.process() as (here, guard, _):
        await here.create(**BORN_TODAY)
        place.clock.advance(NINE)
        assert await here.send_due() == 1
        await here.execute("DELETE FROM users")
        place.clock.advance(timedelta(seconds=2))
        await guard.check()


async def test_a_worker_that_died_after_the_yes_leaves_no_doubt(place: Place) -> None:
    async with place.process() as (here, _, _):
        await here.create(**BORN_TODAY)
        place.clock.advance(NINE)
        await here.send_due()
        await here.execute(
            "UPDATE message_logs SET status = 'SENDING', lease_until = now() - interval '1 second'"
        )
        await here.sweep.run_once()
        row = await here.message()
        assert (row["status"], row["ambiguous_count"]) == ("SENT", 0)
    assert len(place.sender.sent) == 1


class FullLedger(FileLedger):
    """A ledger whose disk is full until there is room."""

    has_room = False

    async def _write(self, data: bytes) -> None:
        if not self.has_room:
            raise SendsUnwritable("cannot be written (No space left on device)")
        await super()._write(data)


async def test_without_room_nothing_is_sent_and_nothing_is_lost(place: Place) -> None:
    full = FullLedger(place.folder, place.clock, Metrics(), timedelta(days=7))
    async with place.process(ledger=full) as (here, _, _):
        await here.create(**BORN_TODAY)
        place.clock.advance(NINE)
        assert await here.send_due() == 0
        assert await here.statuses() == ["RETRYING"]
        row = await here.message()
        assert (row["retry_count"], row["ambiguous_count"]) == (0, 0)
        full.has_room = True
        assert await here.send_due() == 1
        assert await here.statuses() == ["SENT"]
    assert len(place.sender.sent) == 1
