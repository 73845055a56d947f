"""Look at what goes on in PostgreSQL."""

from datetime import timedelta

from heyday.db import queries
from heyday.db.connection import Database

_QUERIES = queries.load("activity")


class PostgresActivity:
    """Ask PostgreSQL what its sessions do (activity_ports.Activity)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_oldest_transaction(self) -> timedelta:
        """Return for how long the oldest one has kept dead rows; zero if there is none.

        Raises DatabaseUnavailable, DatabaseError.
        """
        async with self._database.connection() as connection:
            seconds: float = await connection.fetchval(_QUERIES["oldest_transaction"].text)
        return timedelta(seconds=seconds)
