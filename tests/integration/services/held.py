"""Hold a transaction at its COMMIT until another one waits for it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from heyday.db.connection import Database
from heyday.domain.ports import Session
from heyday.domain.timezone import Window
from heyday.services.planning import Planner
from heyday.services.users import UserService
from tests.factories import Pipeline
from tests.fakes import START_AT, FakeClock

T = TypeVar("T")
HOUR = timedelta(hours=1)
WINDOW = Window(START_AT - 24 * HOUR, START_AT + 48 * HOUR)


@dataclass
class HeldStore:
    """Hold the first transaction open, its work done, until the test lets it commit."""

    database: Database
    is_done: asyncio.Event = field(default_factory=asyncio.Event)
    may_commit: asyncio.Event = field(default_factory=asyncio.Event)

    def session(self) -> AbstractAsyncContextManager[Session]:
        return self.database.session()

    async def in_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        async def held(session: Session) -> T:
            result = await work(session)
            self.is_done.set()
            await self.may_commit.wait()
            return result

        return await self.database.in_transaction(held)


@dataclass
class Held:
    """Run one thing up to its COMMIT, and let it commit when the other has begun."""

    store: HeldStore
    planner: Planner
    users: UserService
    clock: FakeClock

    async def run_up_to_commit(self, work: Awaitable[T]) -> "asyncio.Future[T]":
        task = asyncio.ensure_future(work)
        waiting = asyncio.ensure_future(self.store.is_done.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
        assert self.store.is_done.is_set()
        return task

    async def plan(self) -> "asyncio.Future[int]":
        return await self.run_up_to_commit(
            self.planner.plan_window(self.store, WINDOW, self.clock.now())
        )


async def commit_when_blocked(
    pipeline: Pipeline, held: Held, first: Awaitable[object], second: Awaitable[T]
) -> T:
    """Let the first commit once the second waits for it; return what the second returns."""
    task = asyncio.ensure_future(second)
    try:
        await pipeline.wait_until_blocked()
    finally:
        held.store.may_commit.set()
    async with asyncio.timeout(10):
        await first
        return await task
