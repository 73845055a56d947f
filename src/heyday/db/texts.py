"""Keep companies' own texts."""

from collections.abc import Collection, Sequence
from datetime import datetime

import asyncpg

from heyday.db import queries
from heyday.db.connection import Database
from heyday.db.types import PooledConnection
from heyday.domain.errors import TextChanged
from heyday.domain.own_texts import READY, OwnText, Versions
from heyday.domain.text_ports import TextSource

_SQL = {name: query.text for name, query in queries.load("texts").items()}


class TextRepository:
    """Run the statements of db/sql/texts.sql (own_texts.TextStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_versions(self) -> Versions:
        """Return the version of each text."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_SQL["list_versions"])
        return {(row["message_type"], row["language"]): row["version"] for row in rows}

    async def list_all(self) -> Sequence[OwnText]:
        """Return all texts, by message type and language."""
        async with self._database.connection() as connection:
            return [_own(row) for row in await connection.fetch(_SQL["list_all"])]

    async def find(self, message_type: str, language: str) -> OwnText | None:
        """Return one."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_SQL["find"], message_type, language)
        return _own(row) if row else None

    async def put(
        self,
        key: tuple[str, str],
        source: TextSource,
        now: datetime,
        expected: Collection[str] | None,
    ) -> OwnText:
        """Store a text, or overwrite it. Raises TextChanged."""

        async def work(connection: PooledConnection) -> OwnText:
            await _expect(connection, key, expected)
            fields = (source.subject, source.text, source.html)
            (row,) = await connection.fetch(_SQL["put"], *key, *fields, now)
            return _own(row)

        return await self._database.transact(work)

    async def delete(
        self, message_type: str, language: str, expected: Collection[str] | None
    ) -> bool:
        """Remove a text; tell whether there was one. Raises TextChanged."""

        async def work(connection: PooledConnection) -> bool:
            await _expect(connection, (message_type, language), expected)
            tag = await connection.execute(_SQL["delete"], message_type, language)
            return tag != "DELETE 0"

        return await self._database.transact(work)


async def _expect(
    connection: PooledConnection, key: tuple[str, str], expected: Collection[str] | None
) -> None:
    """Keep others from changing texts; raise TextChanged unless this one is as expected."""
    await connection.execute(_SQL["lock"])
    if expected is None:
        return
    row = await connection.fetchrow(_SQL["find"], *key)
    if (str(row["version"]) if row else READY) not in expected:
        raise TextChanged


def _own(row: asyncpg.Record) -> OwnText:
    source = TextSource(row["subject"], row["text"], row["html"])
    key = row["message_type"], row["language"]
    return OwnText(*key, source, row["version"], row["updated_at"])
