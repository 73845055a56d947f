"""Keep what all processes must know and nobody else may in `secrets`."""

from heyday.db import queries
from heyday.db.connection import Database

_QUERIES = queries.load("secrets")


async def find_secret(database: Database, name: str) -> bytes | None:
    """Return the secret of this name."""
    async with database.connection() as connection:
        value: bytes | None = await connection.fetchval(_QUERIES["find"].text, name)
    return value


async def agree_on_secret(database: Database, name: str, proposed: bytes) -> bytes:
    """Return the secret of this name: the one that is there, or the first that was proposed."""
    async with database.connection() as connection:
        await connection.execute(_QUERIES["propose"].text, name, proposed)
        value: bytes = await connection.fetchval(_QUERIES["find"].text, name)
    return value
