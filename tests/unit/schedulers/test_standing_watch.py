"""The look at how Heyday stands: what it shows, and what it shows when nobody answers."""

import asyncio
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

import pytest
import structlog

from heyday.domain.errors import DatabaseUnavailable, TransportError
from heyday.domain.queue_ports import DeadLetters, QueueDepth, TransportName
from heyday.domain.standing_ports import Backlog, Stage, Standing
from heyday.schedulers.standing_watch import EVERY, StandingWatch
from heyday.telemetry import Metrics
from tests.fakes import START_AT, FakeClock

HOUR = timedelta(hours=1)
STANDING = Standing(
    backlog={
        Stage.PLANNED: Backlog(3, START_AT - HOUR),
        Stage.RETRYING: Backlog(),
        Stage.LEAVING: Backlog(1, START_AT + timedelta(seconds=1)),
    },
    planned_until=START_AT + 47 * HOUR,
    tzdb_versions={"2026f": 7, "2026e": 3, "2027a": 2},
    months_ahead=12,
    unknown=2,
    succeeded_at={"daily": START_AT - 2 * HOUR},
)


class Store:
    """Tell of each look in order, or fail, or keep silent."""

    def __init__(self, *found: Standing | Exception | None) -> None:
        self.found = list(found)
        self.asked: list[object] = []

    async def read(self, now: datetime) -> Standing:
        self.asked = [now]
        found = self.found.pop(0)
        if found is None:
            await asyncio.Event().wait()
        if isinstance(found, Exception):
            raise found
        assert found
        return found


class Queue:
    """Hold two batches, and one that was set aside; or fail."""

    fault: Exception | None = None

    async def measure(self) -> QueueDepth:
        if self.fault:
            raise self.fault
        return QueueDepth(TransportName.RABBITMQ, 2, 4, 1)


class Rig:
    """Hold a watch and what it stands on."""

    def __init__(self, clock: FakeClock, *found: Standing | Exception | None) -> None:
        self.metrics, self.store, self.queue = Metrics(), Store(*found), Queue()
        self.watch = StandingWatch(
            self.store,
            cast("DeadLetters", self.queue),
            clock,
            self.metrics,
            "2026f",
            patience=timedelta(milliseconds=20),
        )

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float | None:
        return self.metrics.registry.get_sample_value(f"heyday_{name}", dict(labels or {}))


async def test_it_shows_what_it_found(clock: FakeClock) -> None:
    rig = Rig(clock, STANDING)
    await rig.watch.run_once()
    assert rig.store.asked == [START_AT]
    shown = {each: rig.value("backlog_greetings", {"stage": each.value}) for each in Stage}
    assert shown == {Stage.PLANNED: 3, Stage.RETRYING: 0, Stage.LEAVING: 1}
    ages = {each: rig.value("backlog_age_seconds", {"stage": each.value}) for each in Stage}
    assert ages == {Stage.PLANNED: 3600, Stage.RETRYING: 0, Stage.LEAVING: 0}
    assert rig.value("plan_ahead_seconds") == 47 * 3600
    assert rig.value("tzdb_other_greetings") == 5
    assert rig.value("months_ahead") == 12
    assert rig.value("unknown_greetings") == 2
    two_hours_ago = (START_AT - 2 * HOUR).timestamp()
    success = "job_last_success_timestamp_seconds"
    assert rig.value(success, {"job": "daily"}) == two_hours_ago
    assert rig.value(success, {"job": "minute"}) is None
    assert rig.value("facts_read_timestamp_seconds") == START_AT.timestamp()
    assert [rig.value(f"queue_{what}_batches") for what in ("waiting", "dead")] == [2, 1]
    assert rig.value("queue_away") == 0


async def test_nothing_is_shown_before_the_first_look(clock: FakeClock) -> None:
    rig = Rig(clock)
    for name in ("months_ahead", "plan_ahead_seconds", "facts_read_timestamp_seconds"):
        assert math.isnan(rig.value(name) or 0), name
    assert rig.value("backlog_age_seconds", {"stage": "planned"}) is None


@pytest.mark.parametrize("fault", [DatabaseUnavailable("away"), RuntimeError("a@b.c"), None])
async def test_what_cannot_be_read_stays_as_it_was(
    clock: FakeClock, fault: Exception | None
) -> None:
    rig = Rig(clock, STANDING, fault)
    await rig.watch.run_once()
    clock.advance(EVERY)
    with structlog.testing.capture_logs() as logs:
        await rig.watch.run_once()
    kind = type(fault or TimeoutError()).__name__
    assert [(each["event"], each["error"]) for each in logs] == [("standing_not_read", kind)]
    assert rig.value("months_ahead") == 12
    assert rig.value("facts_read_timestamp_seconds") == START_AT.timestamp()


async def test_a_queue_that_is_away_is_told_of_and_keeps_no_fact_back(clock: FakeClock) -> None:
    rig = Rig(clock, STANDING, STANDING)
    rig.queue.fault = TransportError("away")
    with structlog.testing.capture_logs() as logs:
        await rig.watch.run_once()
    assert [each["event"] for each in logs] == ["queue_not_measured"]
    assert rig.value("queue_away") == 1
    assert rig.value("months_ahead") == 12
    rig.queue.fault = None
    await rig.watch.run_once()
    assert rig.value("queue_away") == 0


async def test_it_looks_every_half_minute(clock: FakeClock) -> None:
    rig = Rig(clock, STANDING, DatabaseUnavailable("away"), STANDING)
    watching, left = asyncio.create_task(rig.watch.run()), []
    async with asyncio.timeout(5):
        for _ in range(3):
            await clock.wait_for_sleepers()
            left.append(len(rig.store.found))
            clock.advance(EVERY)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert left == [2, 1, 0]
