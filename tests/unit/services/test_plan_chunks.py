"""Cutting a plan into chunks, and working them off."""

import asyncio
from datetime import date, timedelta

import pytest

from heyday.domain.timezone import ZoneDay
from heyday.services.plan_chunks import cut, work_off
from tests.fakes import START_AT


def days(count: int) -> list[ZoneDay]:
    return [
        ZoneDay(
            "UTC", 101 + n, date(2027, 1, 1 + n), START_AT + n * timedelta(days=1), is_today=False
        )
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("people", "sizes"),
    [
        ([], []),
        ([0, 0, 0], [3]),
        ([4, 6, 1], [2, 1]),
        ([4, 7, 0, 3, 1], [1, 3, 1]),
        ([99, 1, 1], [1, 2]),
        ([0, 99, 0], [2, 1]),
        ([1, 99, 99, 1], [1, 1, 1, 1]),
    ],
)
def test_every_day_is_in_one_chunk_of_about_the_size(people: list[int], sizes: list[int]) -> None:
    given = days(len(people))
    chunks = list(cut(given, people, 10))
    assert [len(chunk) for chunk in chunks] == sizes
    assert [day for chunk in chunks for day in chunk] == given


def test_each_day_needs_its_count() -> None:
    with pytest.raises(ValueError, match="zip"):
        list(cut(days(2), [1], 10))


@pytest.mark.parametrize("chunks", [0, 1, 2, 5])
async def test_so_many_are_worked_off_at_once_and_in_order(chunks: int) -> None:
    begun: list[int] = []
    running = most = 0

    async def work(chunk: int) -> int:
        nonlocal running, most
        begun.append(chunk)
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return chunk * chunk

    results = await work_off(range(chunks), work, at_once=2)
    assert sorted(results) == [n * n for n in range(chunks)]
    assert begun == list(range(chunks))
    assert most == min(chunks, 2)


async def test_the_first_error_ends_what_runs_and_begins_nothing_more() -> None:
    begun: list[int] = []
    is_ended = asyncio.Event()

    async def work(chunk: int) -> None:
        begun.append(chunk)
        if chunk == 1:
            raise RuntimeError
        try:
            await asyncio.Event().wait()
        finally:
            is_ended.set()

    with pytest.raises(RuntimeError):
        await work_off(range(5), work, at_once=2)
    assert begun == [0, 1]
    assert is_ended.is_set()
