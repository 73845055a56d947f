"""Name what whoever watches over the database's transactions needs from it."""

from datetime import timedelta
from typing import Protocol


class Activity(Protocol):
    """Tell what goes on in the database."""

    async def find_oldest_transaction(self) -> timedelta:
        """Return for how long the oldest one has kept dead rows; zero if there is none.

        Raises DatabaseUnavailable, DatabaseError.
        """
        ...
