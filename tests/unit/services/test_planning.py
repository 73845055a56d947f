"""What the planner asks of the database, and what it spares it."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest

from heyday.domain.ports import Session
from heyday.domain.timezone import Window
from heyday.services.planning import PlanConfig, Planner
from tests.factories import timezones_of
from tests.fakes import START_AT

T = TypeVar("T")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass
class PartitionStore:
    """Note the windows for which partitions are asked; raise what is in `faults`."""

    windows: list[Window] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    def session(self) -> AbstractAsyncContextManager[Session]:
        raise NotImplementedError

    async def in_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        return await work(cast("Any", SimpleNamespace(plans=self)))

    async def ensure_partitions(self, window: Window) -> int:
        if self.faults:
            raise self.faults.pop()
        self.windows.append(window)
        return 2


@pytest.fixture
def store() -> PartitionStore:
    return PartitionStore()


@pytest.fixture
def planner() -> Planner:
    return Planner(timezones_of(), PlanConfig())


async def test_partitions_are_asked_for_once_while_windows_move_on(
    planner: Planner, store: PartitionStore
) -> None:
    for minute in range(60 * 24):
        await planner.prepare(store, START_AT + minute * timedelta(minutes=1))
    assert len(store.windows) == 1
    await planner.prepare(store, START_AT + 30 * DAY)
    assert len(store.windows) == 2


async def test_what_is_asked_for_covers_the_window(planner: Planner, store: PartitionStore) -> None:
    window = Window(START_AT, START_AT + 48 * HOUR)
    assert await planner.ensure_partitions(store, window) == 2
    (asked,) = store.windows
    assert asked.start_at <= window.start_at
    assert asked.end_at >= window.end_at
    assert await planner.ensure_partitions(store, window) == 0


async def test_an_earlier_window_is_asked_for_again(
    planner: Planner, store: PartitionStore
) -> None:
    await planner.ensure_partitions(store, Window(START_AT, START_AT + HOUR))
    await planner.ensure_partitions(store, Window(START_AT - HOUR, START_AT))
    assert len(store.windows) == 2


async def test_what_failed_is_asked_for_again(planner: Planner, store: PartitionStore) -> None:
    store.faults = [RuntimeError()]
    with pytest.raises(RuntimeError):
        await planner.prepare(store, START_AT)
    await planner.prepare(store, START_AT)
    assert len(store.windows) == 1


async def test_people_need_the_months_that_a_move_across_all_zones_reaches(
    planner: Planner, store: PartitionStore
) -> None:
    await planner.prepare(store, START_AT)
    (asked,) = store.windows
    assert asked.start_at <= START_AT - 24 * HOUR
    assert asked.end_at >= START_AT + (48 + 26) * HOUR
