"""How a day goes, counted from greetings in every state, and kept once it is over."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from heyday.db.days import DayRepository
from heyday.domain.day_figures import DayFigures, Fate, day_window
from heyday.domain.day_ports import Attention, SlotCounts
from heyday.domain.timezone import Window
from heyday.domain.transitions import Status
from heyday.services.day_book import DayBook
from heyday.services.day_keeping import DayKeepingService
from heyday.services.today import TodayConfig, TodayService
from tests.application import PATIENT
from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.greetings import Greetings

ON = date(2027, 1, 14)
MIDNIGHT = datetime(2027, 1, 14, tzinfo=UTC)
EIGHT, NINE, TEN = (MIDNIGHT + timedelta(hours=hour) for hour in (8, 9, 10))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LATE_WINDOW = DAY
TOO_LATE = "the late window had passed"

OF_EVERY_KIND = [
    Greetings(EIGHT, count=5),
    Greetings(EIGHT, late=MINUTE),
    Greetings(EIGHT, late=MINUTE + timedelta(milliseconds=1), count=2),
    Greetings(EIGHT, Status.FAILED, retries=5),
    Greetings(EIGHT, Status.FAILED, count=3),
    Greetings(EIGHT, Status.UNKNOWN),
    Greetings(EIGHT, Status.SKIPPED, error=TOO_LATE),
    Greetings(EIGHT, Status.SKIPPED, error="greeted for this occasion on 2027-01-13"),
    Greetings(EIGHT, Status.CANCELLED, count=4),
    Greetings(NINE, Status.QUEUED, count=2, zone="Europe/London"),
    Greetings(NINE, Status.SENDING, zone="Europe/London"),
    Greetings(NINE, Status.RETRYING, zone="Europe/London", retries=1),
    Greetings(TEN, Status.SCHEDULED, count=7, zone="Atlantic/Azores", message_type="ANNIVERSARY"),
]


class Watched(DayRepository):
    """The store, and what was counted of it. Each count takes `takes`."""

    def __init__(self, pipeline: Pipeline, clock: FakeClock) -> None:
        super().__init__(pipeline.database)
        self.windows: list[Window] = []
        self.takes = timedelta()
        self._clock = clock
        self.counted = asyncio.Semaphore(0)

    async def count_slots(self, window: Window) -> SlotCounts:
        self.windows.append(window)
        counts = await super().count_slots(window)
        self._clock.advance(self.takes)
        self.counted.release()
        return counts


@pytest.fixture
def store(pipeline: Pipeline, clock: FakeClock) -> Watched:
    return Watched(pipeline, clock)


async def write(pipeline: Pipeline, greetings: Sequence[Greetings]) -> None:
    for each in greetings:
        await each.write(pipeline)


async def count(store: Watched, clock: FakeClock) -> DayFigures:
    return await DayBook(ON, store, clock).refresh()


async def test_each_greeting_is_counted_by_what_became_of_it(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await write(pipeline, OF_EVERY_KIND)
    figures = await count(store, clock)
    assert figures.totals == {
        Fate.SENT: 6,
        Fate.LATE: 2,
        Fate.FAILED: 1,
        Fate.REFUSED: 3,
        Fate.UNKNOWN: 1,
        Fate.TOO_LATE: 1,
        Fate.SKIPPED: 1,
        Fate.CANCELLED: 4,
        Fate.WAITING: 4,
        Fate.PLANNED: 7,
    }
    assert figures.by_zone["Atlantic/Azores"] == {Fate.PLANNED: 7}
    assert figures.by_type == {"BIRTHDAY": 19, "ANNIVERSARY": 7}
    assert sum(figures.lateness.values()) == 8


async def test_a_day_has_its_first_instant_and_not_that_of_the_next(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    before, last = MIDNIGHT - timedelta(microseconds=1), MIDNIGHT + DAY - timedelta(microseconds=1)
    await write(pipeline, [Greetings(at) for at in (before, MIDNIGHT, last, MIDNIGHT + DAY)])
    figures = await count(store, clock)
    assert [tally.slot_at for tally in figures.tallies] == [MIDNIGHT, MIDNIGHT + DAY - 15 * MINUTE]


async def test_lateness_is_that_of_who_was_sent(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await write(pipeline, [Greetings(EIGHT, count=98, late=timedelta(milliseconds=300))])
    await write(pipeline, [Greetings(EIGHT, count=2, late=timedelta(seconds=20))])
    figures = await count(store, clock)
    assert figures.lateness_at(0.5) == pytest.approx(0.3, rel=0.42)
    assert figures.lateness_at(0.99) == pytest.approx(20, rel=0.42)


async def test_who_came_after_their_time_is_late_from_then_on(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    """Somebody added at noon is greeted at once: three hours after nine, and not late."""
    came_at = EIGHT + 3 * HOUR
    await write(
        pipeline,
        [Greetings(EIGHT, came_at=came_at, late=3 * HOUR + timedelta(seconds=2))],
    )
    figures = await count(store, clock)
    assert figures.totals == {Fate.SENT: 1}
    assert figures.lateness_at(1) == pytest.approx(2, rel=0.42)


async def test_between_two_counts_of_all_only_what_moves_is_counted(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await write(
        pipeline, [Greetings(EIGHT, count=3), Greetings(TEN, Status.SCHEDULED, zone="Etc/GMT+1")]
    )
    await Greetings(NINE, Status.QUEUED, zone="Europe/London").write(pipeline)
    clock.set(NINE + MINUTE)
    store.takes = timedelta(seconds=3)
    book = DayBook(ON, store, clock)
    await book.refresh()
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SENT', actual_send_time = $1 WHERE status = 'QUEUED'",
        NINE + MINUTE,
    )
    clock.advance(5 * MINUTE)
    figures = await book.refresh()
    assert figures.totals == {Fate.SENT: 4, Fate.PLANNED: 1}
    assert sum(figures.lateness.values()) == 4
    # Nothing is on its way any more: nothing is counted, until all of it is again.
    await book.refresh()
    assert store.windows == [day_window(ON), Window(NINE, NINE + 30 * MINUTE)]
    clock.advance(5 * MINUTE)
    await Greetings(EIGHT).write(pipeline)
    assert (await book.refresh()).totals[Fate.SENT] == 5
    assert store.windows[2:] == [day_window(ON)]


async def test_who_comes_to_a_day_that_is_quickly_counted_is_in_the_next_count(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    """A first start counts before anybody is planned."""
    store.takes = timedelta(milliseconds=20)
    book = DayBook(ON, store, clock)
    assert (await book.refresh()).due == 0
    await Greetings(TEN, Status.SCHEDULED).write(pipeline)
    clock.advance(timedelta(seconds=3))
    assert (await book.refresh()).due == 0
    clock.advance(timedelta(seconds=1))
    assert (await book.refresh()).due == 1


async def test_what_leaves_next_is_counted_before_its_instant(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await Greetings(NINE, Status.SCHEDULED).write(pipeline)
    clock.set(NINE - MINUTE)
    book = DayBook(ON, store, clock)
    await book.refresh()
    await pipeline.execute("UPDATE message_logs SET status = 'QUEUED'")
    assert (await book.refresh()).totals == {Fate.WAITING: 1}


async def test_a_hundred_who_look_at_once_cost_one_count(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await write(pipeline, OF_EVERY_KIND)
    clock.set(NINE + MINUTE)
    today = TodayService(store, clock, PATIENT)
    await today.day(ON)
    await store.counted.acquire()
    reads = len(store.windows)
    for _ in range(3):
        clock.advance(TodayConfig().every)
        found = await asyncio.gather(*(today.day(ON) for _ in range(100)))
        assert all(found)
        reads += 1
        async with asyncio.timeout(5):
            await store.counted.acquire()
    await today.close()
    assert len(store.windows) == reads


async def test_what_waits_for_somebody_is_told_with_who_is_next(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await write(pipeline, OF_EVERY_KIND)
    await Greetings(EIGHT - 5 * DAY, Status.UNKNOWN).write(pipeline)
    await Greetings(EIGHT - DAY, Status.FAILED).write(pipeline)
    clock.set(NINE + MINUTE)
    today = TodayService(store, clock, PATIENT)
    present = (await today.present()).value
    # Four at nine are due for a minute only; those of whatever day that nobody decided about.
    assert present.attention == Attention(unknown=2, failed=4, overdue=0)
    assert [each.scheduled_send_at for each in present.upcoming] == [TEN] * 6
    clock.advance(2 * MINUTE)
    assert (await store.find_attention(day_window(ON), clock.now() - 2 * MINUTE)).overdue == 4
    await today.close()


async def test_who_was_added_late_or_is_to_be_tried_later_is_not_overdue(
    pipeline: Pipeline, store: Watched
) -> None:
    await Greetings(EIGHT, Status.RETRYING, retries=1).write(pipeline)
    await pipeline.execute("UPDATE message_logs SET next_attempt_at = $1", NINE)
    await Greetings(EIGHT, Status.SCHEDULED, came_at=NINE).write(pipeline)
    before, after = NINE, NINE + MINUTE
    assert (await store.find_attention(day_window(ON), before)).overdue == 0
    assert (await store.find_attention(day_window(ON), after)).overdue == 2


async def test_a_day_that_is_over_is_kept_as_it_was(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await write(pipeline, OF_EVERY_KIND)
    keeping = DayKeepingService(store, clock, LATE_WINDOW)
    assert await keeping.run() == 0  # it is still going on
    clock.set(MIDNIGHT + DAY + HOUR)
    assert await keeping.run() == 1
    assert await store.find_kept(ON) == await count(store, clock)
    (kept,) = await store.list_kept(ON, ON + DAY)
    assert (kept.kept, kept.missed, kept.open) == (6, 5, 12)


async def test_a_day_is_counted_again_when_nothing_of_it_can_leave_any_more(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await write(pipeline, [Greetings(EIGHT, count=2)])
    keeping = DayKeepingService(store, clock, LATE_WINDOW)
    clock.set(MIDNIGHT + DAY)
    assert await keeping.run() == 1
    assert await keeping.run() == 0
    # Somebody was added on the evening of that day, and greeted.
    await Greetings(EIGHT).write(pipeline)
    clock.set(MIDNIGHT + DAY + LATE_WINDOW + HOUR)
    await Greetings(clock.now()).write(pipeline)
    assert await keeping.run() == 2  # and the day after, of which nothing is known yet
    (first, _) = await store.list_kept(ON, ON + 2 * DAY)
    assert first.kept == 3
    clock.advance(30 * DAY)
    await keeping.run()
    assert (await store.list_kept(ON, ON + DAY))[0] == first


async def test_a_day_with_something_open_is_counted_again_each_hour(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await Greetings(EIGHT, Status.UNKNOWN).write(pipeline)
    keeping = DayKeepingService(store, clock, LATE_WINDOW)
    clock.set(MIDNIGHT + DAY)
    await keeping.run()
    await pipeline.execute("UPDATE message_logs SET status = 'FAILED', retry_count = 2")
    clock.advance(HOUR - MINUTE)
    assert await keeping.run() == 0
    clock.advance(MINUTE)
    assert await keeping.run() == 1
    (kept,) = await store.list_kept(ON, ON + DAY)
    assert (kept.open, kept.missed) == (0, 1)


async def test_a_day_that_was_counted_later_is_not_overwritten(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await Greetings(EIGHT).write(pipeline)
    before = await count(store, clock)
    await Greetings(EIGHT).write(pipeline)
    after = await count(store, clock)
    assert await store.keep(after, NINE + HOUR)
    assert not await store.keep(before, NINE)
    assert await store.find_kept(ON) == after


async def test_many_days_are_kept_few_at_a_time_the_latest_first(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await Greetings(EIGHT - 5 * DAY).write(pipeline)
    keeping = DayKeepingService(store, clock, LATE_WINDOW)
    assert await keeping.run() == 2
    kept = await store.list_kept(ON - 5 * DAY, ON)
    assert [day.on for day in kept] == [ON - 2 * DAY, ON - DAY]
    assert [await keeping.run() for _ in range(3)] == [2, 1, 0]


async def test_who_looks_back_reads_what_was_kept(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await write(pipeline, [Greetings(EIGHT, count=2), Greetings(EIGHT, Status.FAILED)])
    clock.set(MIDNIGHT + DAY)
    await DayKeepingService(store, clock, LATE_WINDOW).run()
    store.windows.clear()
    today = TodayService(store, clock, PATIENT)
    found = await today.day(ON)
    assert found
    assert found.value.totals == {Fate.SENT: 2, Fate.REFUSED: 1}
    assert store.windows == []


async def test_and_the_rows_where_something_is_open_or_nothing_was_kept(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await write(pipeline, [Greetings(EIGHT), Greetings(EIGHT - DAY, Status.UNKNOWN)])
    clock.set(MIDNIGHT + DAY)
    figures = await DayBook(ON - DAY, store, clock).refresh()
    await store.keep(figures, clock.now())
    await pipeline.execute("UPDATE message_logs SET status = 'SENT' WHERE status = 'UNKNOWN'")
    today = TodayService(store, clock, PATIENT)
    found = [await today.day(on) for on in (ON - DAY, ON)]
    assert [each and each.value.totals for each in found] == [{Fate.SENT: 1}] * 2


async def test_the_month_adds_up_to_a_budget(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await write(
        pipeline,
        [
            Greetings(EIGHT - DAY, count=40),
            Greetings(EIGHT - 2 * DAY, Status.UNKNOWN),
            Greetings(EIGHT, count=9),
            Greetings(datetime(2026, 12, 31, 8, tzinfo=UTC), late=HOUR, count=3),
        ],
    )
    keeping = DayKeepingService(store, clock, LATE_WINDOW)
    while await keeping.run():
        pass
    today = TodayService(store, clock, PATIENT)
    month = (await today.month()).value
    # December is another budget's.
    assert (month.kept, month.missed, month.days, month.of_days) == (40, 1, 13, 13)
    found = await today.day(ON)
    assert found
    budget = month.budget(found.value, overdue=2)
    assert (budget.kept, budget.missed) == (49, 3)
    await today.close()


async def test_a_day_that_takes_long_to_count_keeps_nobody_waiting(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    await Greetings(EIGHT).write(pipeline)
    today = TodayService(store, clock, TodayConfig(patience=timedelta(milliseconds=1)))
    async with pipeline.database.connection() as connection, connection.transaction():
        await connection.execute("LOCK message_logs")
        assert await today.day(ON) is None
    await store.counted.acquire()
    patient = TodayService(store, clock, PATIENT)
    found = await patient.day(ON)
    assert found
    assert found.value.totals == {Fate.SENT: 1}


async def test_people_are_counted_by_their_zones(pipeline: Pipeline, store: Watched) -> None:
    for number, zone in enumerate(("Asia/Tokyo", "Asia/Tokyo", "Asia/Kathmandu")):
        await pipeline.insert(email=f"{number}@x.com", timezone=zone)
    await pipeline.insert(email="gone@x.com", timezone="Asia/Tokyo", deleted_at=MIDNIGHT)
    assert await store.count_people() == {"Asia/Tokyo": 2, "Asia/Kathmandu": 1}


async def test_a_clock_that_is_put_back_has_all_counted_anew(
    pipeline: Pipeline, store: Watched, clock: FakeClock
) -> None:
    book = DayBook(ON, store, clock)
    clock.set(TEN)
    await book.refresh()
    await Greetings(EIGHT).write(pipeline)
    clock.set(NINE)
    assert (await book.refresh()).totals == {Fate.SENT: 1}
