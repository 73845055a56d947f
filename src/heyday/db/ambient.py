"""Keep a transaction open around all that one task does in the database."""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass

from heyday.db.types import PooledConnection
from heyday.domain.transactions import is_apart


@dataclass(slots=True, eq=False)
class Ambient:
    """Hold the connection of a transaction that the steps of a task join.

    A task that it starts has the same context, and yet may work at the same time, or longer: what
    is done there joins nothing.
    """

    pool_of: object
    connection: PooledConnection
    task: "asyncio.Task[object] | None"
    is_open: bool = True


AMBIENT: ContextVar[Ambient | None] = ContextVar("heyday_ambient", default=None)


def find_open(pool_of: object) -> Ambient | None:
    """Return the transaction that the present step is to join, if there is one."""
    ambient = AMBIENT.get()
    if ambient is None or not ambient.is_open or ambient.pool_of is not pool_of or is_apart():
        return None
    return ambient if ambient.task is asyncio.current_task() else None
