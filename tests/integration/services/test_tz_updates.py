"""A new release of the tz database: what it moves, what it leaves, and zones that it dropped."""

import asyncio
import shutil
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import structlog

from heyday.db.plans import PlanRepository
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.message_types import BIRTHDAY
from heyday.domain.models import ZoneInstant
from heyday.domain.tzdb import PINNED, TzDatabase
from tests.acceptance import oracle
from tests.factories import Pipeline, PipelineConfig, Start
from tests.fakes import FakeClock, RecordingSender

WHEEL = Path(__file__).parents[2] / "data" / "tzdata-2025.2-py2.py3-none-any.whl"
OLD = TzDatabase(zipfile.Path(WHEEL, "tzdata/"))
ON = date(2027, 1, 15)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
LATER, EARLIER = "Africa/Casablanca", "America/Vancouver"

Open = Callable[[TzDatabase], AbstractAsyncContextManager[Pipeline]]


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(ON.year, ON.month, ON.day, hour, minute, second, tzinfo=UTC)


# Nine o'clock on 15 January 2027, by each release.
OLD_NINE = {LATER: at(8), EARLIER: at(17)}
NEW_NINE = {LATER: at(9), EARLIER: at(16)}


@pytest.fixture
def opened(start: Start) -> Open:
    """What starts a process with some release of the tz database, all on one database."""
    return lambda tzdb: start(PipelineConfig(tzdb=tzdb))


@pytest.fixture
async def old(opened: Open) -> AsyncIterator[Pipeline]:
    """A process with the old release."""
    async with opened(OLD) as pipeline:
        yield pipeline


@pytest.fixture
async def new(opened: Open) -> AsyncIterator[Pipeline]:
    """A process with the pinned release, on the same database."""
    async with opened(PINNED) as pipeline:
        yield pipeline


async def planned(pipeline: Pipeline, *zones: str) -> None:
    """Store a person in each zone, whose birthday is the day, and plan them."""
    await pipeline.execute(
        "INSERT INTO users "
        "(first_name, last_name, email, timezone, birthday_date, eligible_since) "
        "SELECT 'Ada', 'Lovelace', gen_random_uuid() || '@example.com', zone, '1990-01-15', "
        "'-infinity' FROM unnest($1::text[]) AS zone",
        zones,
    )
    await pipeline.daily.run_once()


async def places(pipeline: Pipeline) -> dict[str, tuple[datetime, int, str, str]]:
    """Return, by zone, where the greetings lie, their epochs, statuses and releases."""
    return {
        row["timezone"]: (
            row["scheduled_send_time"], row["epoch"], row["status"], row["tzdb_version"],
        )
        for row in await pipeline.messages()
    }  # fmt: skip


async def instants(pipeline: Pipeline) -> dict[str, datetime]:
    return {zone: place[0] for zone, place in (await places(pipeline)).items()}


def nine_by_old(zone: str) -> datetime:
    """Return nine o'clock by the old package, without Heyday."""
    path = zipfile.Path(WHEEL, f"tzdata/zoneinfo/{zone}")
    with path.open("rb") as tzif:
        local = datetime.combine(ON, time(9), ZoneInfo.from_file(tzif))
    return local.astimezone(UTC)


# --- The upgrade --------------------------------------------------------------------------------


async def test_an_upgrade_moves_exactly_what_the_new_rules_move(
    old: Pipeline, new: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    zones = sorted(OLD.names)
    by_old = {zone: nine_by_old(zone) for zone in zones}
    by_new = {zone: oracle.load(zone, ON.year).nine_o_clock(ON) for zone in zones}
    moved = {zone for zone in zones if by_old[zone] != by_new[zone]}
    assert {"Africa/Casablanca", "Africa/El_Aaiun", "America/Vancouver"} < moved
    assert len(moved) < len(zones) / 10
    await planned(old, *zones)
    assert await instants(old) == by_old

    assert await new.daily.run_once() == {"retimed": len(moved), "planned": 0}
    assert await new.value("SELECT counts->>'retimed' FROM job_runs ORDER BY id DESC") == str(
        len(moved)
    )
    assert await places(new) == {
        zone: (by_new[zone], 1, "SCHEDULED", "2026f")
        if zone in moved
        else (by_old[zone], 0, "SCHEDULED", "2025b")
        for zone in zones
    }
    assert await new.daily.run_once() == {"retimed": 0, "planned": 0}

    # Nothing leaves at an old instant: the walk stops at those as well, and just before each.
    turns = {*by_old.values(), *by_new.values()}
    for turn in sorted(turns | {turn - SECOND for turn in turns}):
        clock.set(turn)
        await new.send_due()
    left = {row["timezone"]: row["actual_send_time"] for row in await new.messages()}
    assert left == by_new
    assert len(set(sender.keys)) == len(sender.keys) == len(zones)


async def test_the_run_at_start_says_how_many_it_moved(old: Pipeline, new: Pipeline) -> None:
    await planned(old, LATER, EARLIER, "Europe/London")
    with structlog.testing.capture_logs() as logs:
        run = asyncio.create_task(new.daily.run())
        await new.clock.wait_for_sleepers()  # type: ignore[attr-defined] # it is a FakeClock
        run.cancel()
    (finished,) = [entry for entry in logs if entry["event"] == "job_finished"]
    assert finished["job"] == "daily"
    assert finished["retimed"] == 2


async def test_two_upgraded_processes_that_start_at_once_move_each_row_once(
    opened: Open, old: Pipeline, new: Pipeline
) -> None:
    await planned(old, LATER, EARLIER)
    async with opened(PINNED) as other:
        runs = await asyncio.gather(new.daily.run_once(), other.daily.run_once())
    assert sum(counts["retimed"] for counts in runs) == 2
    assert {zone: place[:2] for zone, place in (await places(new)).items()} == {
        LATER: (NEW_NINE[LATER], 1),
        EARLIER: (NEW_NINE[EARLIER], 1),
    }


async def test_who_moves_over_the_horizon_is_planned_once(
    old: Pipeline, new: Pipeline, clock: FakeClock
) -> None:
    # Two days ahead, the horizon lies between nine by the old rules and nine by the new ones.
    clock.set(at(8, 30) - 48 * HOUR)
    await planned(old, LATER)
    assert await instants(old) == {LATER: OLD_NINE[LATER]}
    assert await new.daily.run_once() == {"retimed": 1, "planned": 0}
    clock.set(at(16, 30) - 48 * HOUR)
    await planned(old, EARLIER)
    assert EARLIER not in await instants(old)
    assert await new.daily.run_once() == {"retimed": 0, "planned": 1}
    clock.advance(24 * HOUR)
    assert await new.daily.run_once() == {"retimed": 0, "planned": 0}
    assert await instants(new) == NEW_NINE


# --- On the way ---------------------------------------------------------------------------------


async def test_what_waits_in_the_queue_goes_back_and_leaves_later(
    old: Pipeline, new: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await planned(old, LATER)
    clock.set(OLD_NINE[LATER] - MINUTE)
    await old.minute.run_once()
    assert await old.statuses() == ["QUEUED"]
    assert (await new.daily.run_once())["retimed"] == 1
    row = await new.message()
    assert (row["status"], row["queued_at"]) == ("SCHEDULED", None)

    clock.set(OLD_NINE[LATER])
    assert await old.value("SELECT count(*) FROM queue_batches") == 1
    assert await old.deliver_all() == 0
    assert await old.value("SELECT count(*) FROM queue_batches") == 0
    clock.set(NEW_NINE[LATER] - SECOND)
    assert await new.send_due() == 0
    clock.set(NEW_NINE[LATER])
    assert await new.deliver_all() == 1
    assert len(sender.sent) == 1
    assert (await new.message())["actual_send_time"] == NEW_NINE[LATER]


async def test_what_should_have_left_by_now_leaves_at_once(
    old: Pipeline, new: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await planned(old, EARLIER)
    clock.set(OLD_NINE[EARLIER] - MINUTE)
    await old.minute.run_once()
    assert await old.statuses() == ["QUEUED"]
    assert (await new.daily.run_once())["retimed"] == 1
    assert await new.send_due() == 1
    row = await new.message()
    assert row["scheduled_send_time"] == NEW_NINE[EARLIER]
    assert row["actual_send_time"] == clock.now()

    clock.set(OLD_NINE[EARLIER])
    assert await old.send_due() == 0
    assert len(sender.sent) == 1


async def test_the_minute_scheduler_is_woken_for_what_is_due_now(
    old: Pipeline, new: Pipeline, clock: FakeClock
) -> None:
    await planned(old, EARLIER)
    clock.set(NEW_NINE[EARLIER] + MINUTE)
    heard: list[object] = []

    def listen(*notification: object) -> None:
        heard.append(notification)

    async with new.database.connection() as connection:
        await connection.add_listener("heyday_due", listen)
        try:
            await new.daily.run_once()
            await connection.fetchval("SELECT 1")  # what was announced comes before the answer
            assert heard
            heard.clear()
            await new.daily.run_once()
            await connection.fetchval("SELECT 1")
            assert not heard
        finally:
            await connection.remove_listener("heyday_due", listen)


async def test_a_retry_that_surely_was_not_taken_moves(
    old: Pipeline, new: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await planned(old, LATER)
    key = (await old.message())["idempotency_key"]
    sender.script(key, Outcome(OutcomeKind.NOT_ACCEPTED))
    clock.set(OLD_NINE[LATER])
    await old.send_due()
    assert await old.statuses() == ["RETRYING"]
    assert (await new.daily.run_once())["retimed"] == 1
    assert (await places(new))[LATER][::2] == (NEW_NINE[LATER], "SCHEDULED")
    clock.advance(10 * MINUTE)
    assert await new.send_due() == 0
    clock.set(NEW_NINE[LATER])
    assert await new.send_due() == 1
    assert await new.statuses() == ["SENT"]


async def test_a_retry_that_may_have_been_taken_stays(
    old: Pipeline, new: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await planned(old, LATER)
    key = (await old.message())["idempotency_key"]
    sender.script(key, Outcome(OutcomeKind.AMBIGUOUS))
    clock.set(OLD_NINE[LATER])
    await old.send_due()
    before = await old.message()
    assert (before["status"], before["ambiguous_count"]) == ("RETRYING", 1)
    assert (await new.daily.run_once())["retimed"] == 0
    assert await new.message() == before
    clock.advance(MINUTE)
    assert await new.send_due() == 1
    assert sender.keys == [key, key]


@pytest.mark.parametrize("status", ["SENDING", "SENT", "FAILED", "UNKNOWN", "SKIPPED", "CANCELLED"])
async def test_what_is_being_sent_or_at_an_end_stays(
    old: Pipeline, new: Pipeline, status: str
) -> None:
    await planned(old, LATER)
    await old.execute(
        "UPDATE message_logs SET status = $1, lease_until = now() + interval '1 h'", status
    )
    before = await old.message()
    assert (await new.daily.run_once())["retimed"] == 0
    assert await new.message() == before


@pytest.mark.parametrize(
    "change",
    ["status = 'SENDING', lease_until = now()", "ambiguous_count = 1", "tzdb_version = '2099a'",
     "delivery_date = '2027-01-16'", "timezone = 'Europe/London'"],
)  # fmt: skip
async def test_what_changed_since_the_look_stays(old: Pipeline, new: Pipeline, change: str) -> None:
    await planned(old, LATER)
    moves = {ZoneInstant(LATER, ON, OLD_NINE[LATER]): ZoneInstant(LATER, ON, NEW_NINE[LATER])}
    await old.execute(f"UPDATE message_logs SET {change}")  # noqa: S608 - from the list above
    before = await old.message()
    async with new.database.session() as session:
        assert await session.plans.retime(BIRTHDAY, moves, "2026f") == 0
        assert await new.message() == before


async def test_a_claim_that_commits_first_keeps_its_row(old: Pipeline, new: Pipeline) -> None:
    await planned(old, LATER)
    async with old.database.connection() as connection, connection.transaction():
        await connection.execute(
            "UPDATE message_logs SET status = 'SENDING', lease_until = now() + interval '1 h'"
        )
        run = asyncio.create_task(new.daily.run_once())
        await new.wait_until_blocked()
    assert (await run)["retimed"] == 0
    assert (await places(new))[LATER] == (OLD_NINE[LATER], 0, "SENDING", "2025b")


async def test_a_claim_that_comes_second_finds_nothing(
    old: Pipeline, new: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await planned(old, LATER)
    clock.set(OLD_NINE[LATER])
    await old.minute.run_once()
    moves = {ZoneInstant(LATER, ON, OLD_NINE[LATER]): ZoneInstant(LATER, ON, NEW_NINE[LATER])}
    async with new.database.connection() as connection, connection.transaction():
        assert await PlanRepository(connection).retime(BIRTHDAY, moves, "2026f") == 1
        delivery = asyncio.create_task(old.deliver_all())
        await old.wait_until_blocked()
    assert await delivery == 0
    assert not sender.sent
    assert (await places(new))[LATER] == (NEW_NINE[LATER], 1, "SCHEDULED", "2026f")


# --- Two releases side by side ------------------------------------------------------------------


async def test_what_a_newer_release_has_planned_an_older_one_does_not_move_back(
    old: Pipeline, new: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await planned(new, LATER, EARLIER)
    before = await places(new)
    assert await old.daily.run_once() == {"retimed": 0, "planned": 0}
    clock.set(OLD_NINE[LATER] - MINUTE)
    assert (await old.recovery.run_once())["retimed"] == 0
    assert await places(new) == before
    for turn in sorted({*OLD_NINE.values(), *NEW_NINE.values()}):
        clock.set(turn)
        await old.send_due()
    assert {row["timezone"]: row["actual_send_time"] for row in await new.messages()} == NEW_NINE
    assert len(sender.sent) == 2


async def test_what_an_older_process_plans_after_the_daily_run_recovery_moves(
    old: Pipeline, new: Pipeline, clock: FakeClock
) -> None:
    await new.daily.run_once()
    user = await old.create(timezone=EARLIER, birthday_date="1990-01-15")
    assert await instants(new) == {EARLIER: OLD_NINE[EARLIER]}
    clock.set(NEW_NINE[EARLIER] - 2 * HOUR - MINUTE)  # more than three hours before the old instant
    assert (await new.recovery.run_once())["retimed"] == 0
    clock.advance(10 * MINUTE)
    counts = await new.recovery.run_once()
    assert (counts["retimed"], counts["recovered"]) == (1, 1)
    assert await instants(new) == {EARLIER: NEW_NINE[EARLIER]}
    assert (await new.recovery.run_once())["recovered"] == 0
    clock.set(NEW_NINE[EARLIER])
    assert await new.send_due() == 1
    assert await new.statuses(user.id) == ["SENT"]


async def test_recovery_adds_up_what_moved_with_people_and_what_moved_with_rules(
    old: Pipeline, new: Pipeline, clock: FakeClock
) -> None:
    await new.daily.run_once()
    await planned(old, EARLIER, "Europe/London")
    await old.execute("UPDATE users SET timezone = 'Asia/Tokyo' WHERE timezone = 'Europe/London'")
    clock.set(OLD_NINE[EARLIER] - 2 * HOUR)
    counts = await new.recovery.run_once()
    assert counts["retimed"] == 2


async def test_what_an_older_process_moves_with_an_edit_recovery_moves_again(
    old: Pipeline, new: Pipeline, clock: FakeClock
) -> None:
    user = await new.create(timezone=EARLIER, birthday_date="1990-01-15")
    assert await instants(new) == {EARLIER: NEW_NINE[EARLIER]}
    await old.users.patch(user.id, {"first_name": "Augusta"})
    clock.set(NEW_NINE[EARLIER] - HOUR)
    await new.recovery.run_once()
    assert await instants(new) == {EARLIER: NEW_NINE[EARLIER]}
    assert "Augusta" in (await new.message())["message_content"]


# --- Names that a release dropped ---------------------------------------------------------------


def without(folder: Path, zone: str, successors: Mapping[str, str]) -> TzDatabase:
    """Return the pinned release as if it had dropped a zone."""
    shutil.copytree(str(files("tzdata")), folder, dirs_exist_ok=True)
    (folder / "zones").write_text("".join(f"{name}\n" for name in PINNED.names - {zone}))
    folder.joinpath("zoneinfo", *zone.split("/")).unlink()
    return TzDatabase(folder, successors)


async def test_people_of_a_vanished_zone_are_greeted_by_its_successor(
    old: Pipeline, opened: Open, clock: FakeClock, tmp_path: Path
) -> None:
    await planned(old, EARLIER)
    newcomer = await old.insert(timezone=EARLIER, birthday_date="1990-01-15")
    async with opened(without(tmp_path, EARLIER, {EARLIER: "Pacific/Honolulu"})) as new:
        counts = await new.daily.run_once()
        assert counts == {"retimed": 1, "planned": 1, "vanished_zones": 2}
        assert (await new.message(newcomer))["scheduled_send_time"] == at(19)
        clock.set(at(19) - SECOND)
        assert await new.send_due() == 0
        clock.set(at(19))
        assert await new.send_due() == 2


async def test_the_daily_run_reports_vanished_zones_with_their_successors(
    old: Pipeline, opened: Open, tmp_path: Path
) -> None:
    for _ in range(2):
        await old.insert(timezone=EARLIER)
    await old.insert(timezone=EARLIER, deleted_at="2026-01-01")
    await old.insert(timezone=EARLIER, unsubscribed_at="2026-01-01")
    await old.insert(timezone="Europe/London")
    async with opened(without(tmp_path, EARLIER, {EARLIER: "America/Los_Angeles"})) as new:
        with structlog.testing.capture_logs() as logs:
            await new.daily.run_once()
        stored = "SELECT counts->>'vanished_zones' FROM job_runs ORDER BY id DESC LIMIT 1"
        assert await new.value(stored) == "2"
    assert logs == [
        {
            "event": "zones_vanished",
            "log_level": "warning",
            "zones": {EARLIER: "America/Los_Angeles"},
            "people": 2,
        }
    ]


async def test_what_was_planned_in_a_zone_that_left_no_successor_is_still_sent(
    old: Pipeline, opened: Open, clock: FakeClock, tmp_path: Path
) -> None:
    await planned(old, EARLIER)
    async with opened(without(tmp_path, EARLIER, {})) as new:
        counts = await new.daily.run_once()
        assert counts == {"retimed": 0, "planned": 0, "unknown_zones": 1}
        clock.set(OLD_NINE[EARLIER])
        assert await new.send_due() == 1


async def test_the_daily_run_counts_people_of_zones_that_are_none_and_logs_no_name(
    new: Pipeline,
) -> None:
    for zone in ("Mars/Phobos", "Mars/Phobos", "Ada_Lovelace"):
        await new.insert(timezone=zone, birthday_date="1990-01-15")
    await new.insert(birthday_date="1990-01-15")
    with structlog.testing.capture_logs() as logs:
        counts = await new.daily.run_once()
    assert counts == {"retimed": 0, "planned": 1, "unknown_zones": 3}
    assert logs == [
        {"event": "zones_unknown", "log_level": "warning", "zones": 2, "people": 3},
    ]


async def test_a_run_without_lost_zones_reports_none(new: Pipeline) -> None:
    await new.insert(birthday_date="1990-01-15")
    with structlog.testing.capture_logs() as logs:
        assert await new.daily.run_once() == {"retimed": 0, "planned": 1}
    assert logs == []
