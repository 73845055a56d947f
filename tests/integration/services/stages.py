"""Bring greetings to every stage of their way, and let time pass as a running Heyday would."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from uuid import UUID

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import ClaimedMessage
from heyday.domain.tzdb import TzDatabase
from tests.factories import Pipeline
from tests.fakes import FakeClock, RecordingSender

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOON_BEFORE = datetime(2027, 1, 14, 12, tzinfo=UTC)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
"""The instant of the greeting of a person in London, born on 15 January."""
NOT_NOW = Outcome(OutcomeKind.NOT_ACCEPTED, code=429, retry_after=10 * MINUTE)

Stage = Callable[
    [Pipeline, FakeClock, "TimedSender", int], AbstractAsyncContextManager[Sequence[UUID]]
]


class TimedSender(RecordingSender):
    """Remember also at which calls keys were accepted. Close `gate` to keep calls waiting."""

    def __init__(self, clock: FakeClock, *, honours_keys: bool = True) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        super().__init__(honours_keys=honours_keys, gate=self.gate)
        self.accepted: list[tuple[datetime, str]] = []
        self._clock = clock

    async def send(self, message: ClaimedMessage) -> Outcome:
        called_at = self._clock.now()
        outcome = await super().send(message)
        if outcome.kind is OutcomeKind.ACCEPTED:
            self.accepted.append((called_at, message.idempotency_key))
        return outcome

    def accepted_for(self, user_id: UUID) -> list[str]:
        """Return when each greeting of a person was accepted, as day and time in UTC."""
        return [f"{at:%d %H:%M:%S}" for at, key in self.accepted if key.startswith(str(user_id))]


def few_zones(folder: Path) -> TzDatabase:
    """Return a tz database of the zones that these people live in: a sweep costs far less."""
    names = ["Europe/London", "Europe/Berlin", "America/New_York", "Asia/Tokyo"]
    names += ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Etc/GMT+12", "UTC"]
    original = files("tzdata").joinpath("zoneinfo")
    for name in (*names, "tzdata.zi"):
        target = folder / "zoneinfo" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(original.joinpath(name).read_bytes())
    (folder / "zones").write_text("\n".join(names))
    return TzDatabase(folder)


async def by_sql(pipeline: Pipeline, user_id: UUID, change: str) -> None:
    """Change a person as somebody with psql would who lives by the test's clock."""
    async with pipeline.database.connection() as connection, connection.transaction():
        await connection.execute(f"UPDATE users SET {change} WHERE id = $1", user_id)  # noqa: S608
        await connection.execute(
            "UPDATE users SET "
            "eligible_since = CASE WHEN eligible_since = now() THEN $2 ELSE eligible_since END, "
            "dates_changed_at = CASE WHEN dates_changed_at >= now() THEN $2 "
            "                   ELSE dates_changed_at END "
            "WHERE id = $1",
            user_id,
            pipeline.clock.now(),
        )


async def find_next_at(pipeline: Pipeline) -> datetime | None:
    """Return when the next greeting that is still to come may leave."""
    found: datetime | None = await pipeline.value(
        "SELECT min(greatest(scheduled_send_time, next_attempt_at)) FROM message_logs "
        "WHERE status IN ('SCHEDULED', 'QUEUED', 'RETRYING') "
        "AND greatest(scheduled_send_time, next_attempt_at) > $1",
        pipeline.clock.now(),
    )
    return found


async def run_all(pipeline: Pipeline) -> None:
    """Let each part have its turn."""
    await pipeline.recovery.run_once()
    await pipeline.send_due()


async def live_on(
    pipeline: Pipeline, clock: FakeClock, until: datetime, *, sweeps: bool = True
) -> None:
    """Let everything run, from one instant at which something may happen to the next.

    Each instant is looked at a second before as well: nothing may leave then.   sweeps: whether
    recovery runs each time, which takes the longest, or at the beginning alone.
    """
    await run_all(pipeline)
    while clock.now() < until:
        waiting = await pipeline.value("SELECT count(*) FROM message_logs WHERE status = 'QUEUED'")
        midnight = datetime.combine(clock.now().date() + DAY, time(), UTC)
        moments = [await find_next_at(pipeline), midnight, until]
        if waiting:
            moments.append(clock.now() + 3 * MINUTE)
        at = min(moment for moment in moments if moment)
        clock.set(max(at - SECOND, clock.now()))
        await pipeline.send_due()
        clock.set(at)
        if at == midnight:
            await pipeline.daily.run_once()
        await (run_all(pipeline) if sweeps else pipeline.send_due())


async def people(pipeline: Pipeline, count: int) -> list[UUID]:
    """Store people in London, born on 15 January."""
    fields = {"timezone": "Europe/London", "birthday_date": "1990-01-15"}
    return [(await pipeline.create(**fields)).id for _ in range(count)]


@contextlib.asynccontextmanager
async def unplanned(
    pipeline: Pipeline, clock: FakeClock, _: TimedSender, count: int
) -> AsyncIterator[Sequence[UUID]]:
    """Five days before: nothing is planned yet."""
    clock.set(NINE - 5 * DAY)
    user_ids = await people(pipeline, count)
    assert await pipeline.statuses() == []
    clock.advance(HOUR)
    yield user_ids


@contextlib.asynccontextmanager
async def planned(
    pipeline: Pipeline, clock: FakeClock, _: TimedSender, count: int
) -> AsyncIterator[Sequence[UUID]]:
    """The evening before: SCHEDULED."""
    clock.set(NOON_BEFORE)
    user_ids = await people(pipeline, count)
    clock.set(NINE - 13 * HOUR)
    assert set(await pipeline.statuses()) == {"SCHEDULED"}
    yield user_ids


@contextlib.asynccontextmanager
async def enqueued(
    pipeline: Pipeline, clock: FakeClock, _: TimedSender, count: int
) -> AsyncIterator[Sequence[UUID]]:
    """A minute before: QUEUED. No sweep comes before nine."""
    clock.set(NOON_BEFORE)
    user_ids = await people(pipeline, count)
    clock.set(NINE - MINUTE)
    await pipeline.minute.run_once()
    assert set(await pipeline.statuses()) == {"QUEUED"}
    yield user_ids
    await pipeline.send_due()
    clock.set(NINE)
    await pipeline.deliver_all()


@contextlib.asynccontextmanager
async def seconds_before(
    pipeline: Pipeline, clock: FakeClock, _: TimedSender, count: int
) -> AsyncIterator[Sequence[UUID]]:
    """Three seconds before: a worker holds the batch and waits. No sweep comes before nine."""
    clock.set(NOON_BEFORE)
    user_ids = await people(pipeline, count)
    clock.set(NINE - 3 * SECOND)
    await pipeline.minute.run_once()
    async with contextlib.aclosing(pipeline.transport.deliveries()) as deliveries:
        delivery = await anext(deliveries)
        assert len(delivery.batch.message_ids) == count
        yield user_ids
        await pipeline.send_due()
        clock.set(NINE)
        await pipeline.sending.deliver(delivery.batch)
        await delivery.ack()
    await pipeline.deliver_all()


@contextlib.asynccontextmanager
async def sending(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender, count: int
) -> AsyncIterator[Sequence[UUID]]:
    """At nine: SENDING, the provider has the letter and has not answered."""
    clock.set(NOON_BEFORE)
    user_ids = await people(pipeline, count)
    clock.set(NINE)
    sender.gate.clear()
    calls = asyncio.ensure_future(pipeline.send_due())
    try:
        await sender.wait_for(count)
        assert set(await pipeline.statuses()) == {"SENDING"}
        yield user_ids
    finally:
        sender.gate.set()
        await calls


@contextlib.asynccontextmanager
async def retrying(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender, count: int
) -> AsyncIterator[Sequence[UUID]]:
    """At nine: RETRYING, the provider surely did not take it and asked for ten minutes."""
    clock.set(NOON_BEFORE)
    user_ids = await people(pipeline, count)
    for user_id in user_ids:
        sender.script(f"{user_id}:BIRTHDAY:2027-01-15", NOT_NOW)
    clock.set(NINE)
    await pipeline.send_due()
    assert set(await pipeline.statuses()) == {"RETRYING"}
    yield user_ids


@contextlib.asynccontextmanager
async def sent(
    pipeline: Pipeline, clock: FakeClock, _: TimedSender, count: int
) -> AsyncIterator[Sequence[UUID]]:
    """At nine: SENT."""
    clock.set(NOON_BEFORE)
    user_ids = await people(pipeline, count)
    clock.set(NINE)
    await pipeline.send_due()
    assert set(await pipeline.statuses()) == {"SENT"}
    yield user_ids


@contextlib.asynccontextmanager
async def missed(
    pipeline: Pipeline, clock: FakeClock, _: TimedSender, count: int
) -> AsyncIterator[Sequence[UUID]]:
    """One o'clock the night after: still SCHEDULED, for nothing ran since the day before."""
    clock.set(NOON_BEFORE)
    user_ids = await people(pipeline, count)
    clock.set(NINE + 16 * HOUR)
    yield user_ids


STAGES: Mapping[str, Stage] = {
    "unplanned": unplanned,
    "planned": planned,
    "enqueued": enqueued,
    "seconds before": seconds_before,
    "sending": sending,
    "retrying": retrying,
    "sent": sent,
    "missed": missed,
}
