"""Count what a provider gets in a day, for all workers: a row of `provider_days` for each day."""

from datetime import date, timedelta

from heyday.db import queries
from heyday.db.connection import Database
from heyday.db.types import PooledConnection
from heyday.domain.day_cap import DayCap, DayUse, Draw

_QUERIES = queries.load("day_counts")
# Long enough to look back over a warm-up.
_KEPT = timedelta(days=90)


class PostgresDays:
    """Draw parts of a day's cap, in one short transaction each (gate_ports.SharedDays).

    What was drawn stays drawn if its worker dies: so no crash lets more out than the cap.
    """

    def __init__(self, database: Database, provider: str, cap: DayCap) -> None:
        self._database = database
        self._provider = provider
        self._cap = cap

    async def draw(self, day: date, waiting: int, likely: int) -> Draw:
        """Take a part of a day. Raises DatabaseError."""
        async with self._database.connection() as connection, connection.transaction():
            drawn = await self._lock(connection, day)
            granted = self._cap.draw(drawn, waiting, likely, day)
            if granted:
                write = _QUERIES["write"].text
                await connection.execute(write, self._provider, day, drawn + granted)
        cap = self._cap.on(day)
        return Draw(granted, max(cap - drawn - granted, 0), cap)

    async def give_back(self, day: date, count: int) -> None:
        """Return what was drawn and is not used. Raises DatabaseError."""
        async with self._database.connection() as connection:
            await connection.execute(_QUERIES["give_back"].text, self._provider, day, count)

    async def find_use(self, day: date) -> DayUse:
        """Return how much of a day is used. Raises DatabaseError."""
        async with self._database.connection() as connection:
            drawn = await connection.fetchval(_QUERIES["find"].text, self._provider, day)
        return DayUse(self._provider, day, self._cap.on(day), drawn or 0)

    async def _lock(self, connection: PooledConnection, day: date) -> int:
        """Return how much of a day is drawn, from a new row if need be."""
        while True:
            drawn: int | None = await connection.fetchval(
                _QUERIES["lock"].text, self._provider, day
            )
            if drawn is not None:
                return drawn
            await connection.execute(_QUERIES["begin"].text, self._provider, day)
            await connection.execute(_QUERIES["forget"].text, self._provider, day - _KEPT)
