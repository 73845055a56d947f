"""Make planners die half way."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from heyday.domain.ports import Session, Store

T = TypeVar("T")

_CHANCE = 0.2
_LONGEST_MOMENT = 0.005


class PlannerKilled(Exception):
    """Stand for the end of a planner in the middle of its work."""


class DeadlyStore:
    """Lend the transactions of a store to a planner, and end some of them (ports.Store).

    Half of those end in the midst of a statement, which PostgreSQL then gives up, the others when
    all is written and nothing is committed. The same deaths each time.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._chance = random.Random(1)  # noqa: S311 - no secret

    def session(self) -> AbstractAsyncContextManager[Session]:
        """Lend a connection on which each statement commits by itself."""
        return self._store.session()

    async def in_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run `work` in one transaction, or die in it. Raises PlannerKilled, TimeoutError."""
        if self._chance.random() >= _CHANCE:
            return await self._store.in_transaction(work)
        moment = self._chance.uniform(-_LONGEST_MOMENT, _LONGEST_MOMENT)

        async def die(session: Session) -> T:
            async with asyncio.timeout(moment if moment > 0 else None):
                await work(session)
            raise PlannerKilled

        return await self._store.in_transaction(die)
