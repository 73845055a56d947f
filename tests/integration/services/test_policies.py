"""Two kinds of greeting, each by its own choices about time, from the plan to the last sweep."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.settings import load_settings
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock, RecordingSender

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HALF_PAST_EIGHT = datetime(2027, 1, 15, 8, 30, tzinfo=UTC)
TEN = datetime(2027, 1, 15, 10, tzinfo=UTC)
BOTH = {"timezone": "UTC", "birthday_date": "1990-01-15", "anniversary_date": "2020-01-15"}
CHOICES = {
    "HEYDAY_BIRTHDAY_SEND_TIME": "08:30",
    "HEYDAY_ANNIVERSARY_SEND_TIME": "10:00",
    "HEYDAY_ANNIVERSARY_LATE_WINDOW": "2h",
    "HEYDAY_ANNIVERSARY_LATE_JOIN": "false",
    "HEYDAY_ANNIVERSARY_LEAP_DAY": "FORWARD",
    "HEYDAY_ANNIVERSARY_SAME_OCCASION": "10d",
}


def in_force() -> PipelineConfig:
    """Return the policies that are set."""
    settings = load_settings()
    return PipelineConfig(time_by_type={t.name: settings.policies(t.name) for t in MESSAGE_TYPES})


@pytest.fixture
async def pipeline(
    database_url: str,
    clock: FakeClock,
    sender: RecordingSender,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Pipeline]:
    """A pipeline with these choices, as they come from the environment."""
    monkeypatch.chdir(tmp_path)
    for name, value in CHOICES.items():
        monkeypatch.setenv(name, value)
    async with open_pipeline(
        database_url, clock=clock, sender=sender, config=in_force()
    ) as pipeline:
        yield pipeline


async def by_type(pipeline: Pipeline, column: str) -> dict[str, object]:
    """Return a column of the greetings, one of each type."""
    rows = await pipeline.messages()
    found = {row["message_type"]: row[column] for row in rows}
    assert len(found) == len(rows)
    return found


async def queue_both(pipeline: Pipeline, clock: FakeClock) -> None:
    """Plan both greetings of a person, and hand both over: the later one is due in a minute."""
    await pipeline.insert(**BOTH)
    await pipeline.daily.run_once()
    clock.set(TEN - MINUTE)
    assert await pipeline.minute.run_once() == {"enqueued": 2}


async def test_each_type_is_planned_for_its_own_time(pipeline: Pipeline) -> None:
    await pipeline.insert(**BOTH)
    assert (await pipeline.daily.run_once())["planned"] == 2
    planned = await by_type(pipeline, "scheduled_send_time")
    assert planned == {"BIRTHDAY": HALF_PAST_EIGHT, "ANNIVERSARY": TEN}


async def test_each_type_is_sent_at_its_own_time(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await pipeline.insert(**BOTH)
    await pipeline.daily.run_once()
    for at, calls in [(HALF_PAST_EIGHT - MINUTE, 0), (HALF_PAST_EIGHT, 1), (TEN - MINUTE, 0)]:
        clock.set(at)
        assert await pipeline.send_due() == calls
    assert [message.message_type for message in sender.sent] == ["BIRTHDAY"]
    clock.set(TEN)
    assert await pipeline.send_due() == 1
    assert sender.sent[-1].message_type == "ANNIVERSARY"


@pytest.mark.parametrize(
    ("late", "enqueued"),
    [(timedelta(), ["ANNIVERSARY", "BIRTHDAY"]), (timedelta(seconds=1), ["BIRTHDAY"])],
)
async def test_what_is_too_late_for_its_type_is_not_handed_over(
    pipeline: Pipeline, clock: FakeClock, late: timedelta, enqueued: list[str]
) -> None:
    await pipeline.insert(**BOTH)
    await pipeline.daily.run_once()
    clock.set(TEN + 2 * HOUR + late)
    assert await pipeline.minute.run_once() == {"enqueued": len(enqueued)}
    statuses = await by_type(pipeline, "status")
    assert sorted(t for t, status in statuses.items() if status == "QUEUED") == enqueued


@pytest.mark.parametrize(
    ("late", "status", "why"),
    [(timedelta(), "SENT", None), (timedelta(seconds=1), "SKIPPED", "the late window had passed")],
)
async def test_a_claim_skips_what_is_too_late_for_its_type(
    pipeline: Pipeline, clock: FakeClock, late: timedelta, status: str, why: str | None
) -> None:
    await queue_both(pipeline, clock)
    clock.set(TEN + 2 * HOUR + late)
    await pipeline.deliver_all()
    assert await by_type(pipeline, "status") == {"BIRTHDAY": "SENT", "ANNIVERSARY": status}
    assert (await by_type(pipeline, "error_message"))["ANNIVERSARY"] == why


async def test_recovery_ends_what_is_too_late_for_its_type(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.insert(**BOTH)
    await pipeline.daily.run_once()
    clock.set(TEN + 2 * HOUR)
    assert (await pipeline.recovery.run_once())["skipped"] == 0
    clock.advance(timedelta(seconds=1))
    assert (await pipeline.recovery.run_once())["skipped"] == 1
    assert await by_type(pipeline, "status") == {"BIRTHDAY": "SCHEDULED", "ANNIVERSARY": "SKIPPED"}
    clock.set(HALF_PAST_EIGHT + DAY + timedelta(seconds=1))
    assert (await pipeline.recovery.run_once())["skipped"] == 1
    assert await by_type(pipeline, "status") == {"BIRTHDAY": "SKIPPED", "ANNIVERSARY": "SKIPPED"}


async def test_recovery_hands_a_lost_batch_over_again_only_in_time_for_its_type(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await queue_both(pipeline, clock)
    await pipeline.execute("DELETE FROM queue_batches")
    clock.set(TEN + 2 * HOUR + MINUTE)
    counts = await pipeline.recovery.run_once()
    assert (counts["requeued"], counts["skipped"]) == (1, 1)
    assert await pipeline.deliver_all() == 1
    assert await by_type(pipeline, "status") == {"BIRTHDAY": "SENT", "ANNIVERSARY": "SKIPPED"}


async def test_after_an_outage_each_type_is_planned_as_its_late_window_says(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.insert(**BOTH)
    clock.set(datetime(2027, 1, 16, 1, tzinfo=UTC))  # nothing ran on the 15th
    await pipeline.daily.run_once()
    assert await by_type(pipeline, "status") == {"BIRTHDAY": "SCHEDULED", "ANNIVERSARY": "SKIPPED"}


async def test_the_books_owe_what_lies_in_the_late_window_of_its_type(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.insert(**BOTH)
    for at, unplanned in [
        (HALF_PAST_EIGHT, [0, 0]),
        (HALF_PAST_EIGHT + MINUTE, [1, 0]),
        (TEN + 2 * HOUR, [1, 1]),
        (TEN + 2 * HOUR + MINUTE, [1, 0]),
        (HALF_PAST_EIGHT + DAY + MINUTE, [0, 0]),
    ]:
        clock.set(at)
        assert [b.unplanned for b in await pipeline.reconciliation.reconcile()] == unplanned


async def test_who_joins_late_is_greeted_at_once_only_by_types_that_say_so(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    clock.set(TEN + HOUR)
    await pipeline.create(**BOTH)
    assert await pipeline.send_due() == 1
    assert [message.message_type for message in sender.sent] == ["BIRTHDAY"]
    assert await by_type(pipeline, "status") == {"BIRTHDAY": "SENT"}


async def test_29_february_falls_where_each_type_wants_it(pipeline: Pipeline) -> None:
    await pipeline.insert(birthday_date="1984-02-29", anniversary_date="2016-02-29")
    for day in (26, 27, 28):
        await pipeline.daily.run_once(datetime(2027, 2, day, tzinfo=UTC))
    assert await by_type(pipeline, "delivery_date") == {
        "BIRTHDAY": date(2027, 2, 28),
        "ANNIVERSARY": date(2027, 3, 1),
    }


async def test_a_corrected_date_brings_another_greeting_as_its_type_says(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    user = await pipeline.create(**BOTH)
    for at in (HALF_PAST_EIGHT, TEN):
        clock.set(at)
        assert await pipeline.send_due() == 1
    moved = {"birthday_date": "1990-02-04", "anniversary_date": "2020-02-04"}  # by 20 days
    await pipeline.users.patch(user.id, moved)
    clock.set(datetime(2027, 2, 4, tzinfo=UTC))
    assert (await pipeline.daily.run_once())["planned"] == 2
    clock.set(datetime(2027, 2, 4, 10, tzinfo=UTC))
    assert await pipeline.send_due() == 1
    assert sender.sent[-1].idempotency_key == f"{user.id}:ANNIVERSARY:2027-02-04"
    rows = await pipeline.messages(user.id)
    assert [(row["message_type"], row["status"]) for row in rows[-2:]] == [
        ("BIRTHDAY", "SKIPPED"),
        ("ANNIVERSARY", "SENT"),
    ]
    assert rows[-2]["error_message"] == "greeted for this occasion on 2027-01-15"


async def test_a_new_send_time_of_one_type_moves_its_rows_alone(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pipeline.insert(**BOTH)
    await pipeline.daily.run_once()
    monkeypatch.setenv("HEYDAY_BIRTHDAY_SEND_TIME", "07:15")
    async with open_pipeline(
        pipeline.url, clock=pipeline.clock, sender=pipeline.sender, config=in_force()
    ) as restarted:
        assert await restarted.daily.run_once() == {"retimed": 1, "planned": 0}
    assert await by_type(pipeline, "scheduled_send_time") == {
        "BIRTHDAY": HALF_PAST_EIGHT - 75 * MINUTE,
        "ANNIVERSARY": TEN,
    }
