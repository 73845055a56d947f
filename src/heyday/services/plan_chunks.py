"""Cut what is to be planned into chunks, and work them off, some at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

from heyday.domain.models import PlanCounts
from heyday.domain.ports import Session, Store
from heyday.domain.timezone import ZoneDay

T = TypeVar("T")
R = TypeVar("R")


def cut(zone_days: Sequence[ZoneDay], people: Sequence[int], size: int) -> Iterator[list[ZoneDay]]:
    """Yield the zone days in chunks of about `size` people, in the order given.

    people: how many have each zone day. One that has more than `size` is a chunk of its own.
    """
    chunk: list[ZoneDay] = []
    inside = 0
    for day, count in zip(zone_days, people, strict=True):
        if inside and inside + count > size:
            yield chunk
            chunk, inside = [], 0
        chunk.append(day)
        inside += count
    if chunk:
        yield chunk


async def work_off(chunks: Sequence[T], work: Callable[[T], Awaitable[R]], at_once: int) -> list[R]:
    """Do `work` for each chunk, `at_once` at the same time, begun in order; return the results.

    The first error ends all of it.
    """
    if len(chunks) == 1:
        return [await work(chunks[0])]
    waiting = iter(chunks)
    results: list[R] = []

    async def next_ones() -> None:
        results.extend([await work(chunk) for chunk in waiting])

    workers = [asyncio.create_task(next_ones()) for _ in range(at_once)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return results


async def by_pages(
    store: Store,
    user_ids: Sequence[UUID],
    page: int,
    work: Callable[[Session, Sequence[UUID]], Awaitable[PlanCounts]],
) -> PlanCounts:
    """Do `work` for so many people after the others, whom nobody has locked."""

    async def held(session: Session, some: Sequence[UUID]) -> PlanCounts:
        await session.plans.hold_erasures()
        return await work(session, some)

    counts = PlanCounts()
    for start in range(0, len(user_ids), page):
        some = user_ids[start : start + page]
        counts += await store.in_transaction(partial(held, some=some))
    return counts
