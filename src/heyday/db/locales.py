"""Count people by locale: one by one where there are few, else by PostgreSQL's own sample."""

import asyncpg

from heyday.db import queries
from heyday.db.connection import Database
from heyday.domain.language_ports import LocaleCounts

_SQL = {name: query.text for name, query in queries.load("locales").items()}

MOST_COUNTED = 20_000
"""Up to here people are counted one by one, which takes some milliseconds."""


class LocaleRepository:
    """Run the statements of db/sql/locales.sql (language_ports.LocaleStore)."""

    def __init__(self, database: Database, most_counted: int = MOST_COUNTED) -> None:
        self._database = database
        self._most_counted = most_counted

    async def count(self) -> LocaleCounts | None:
        """Return the counts; None where there are many people, and no sample was taken yet."""
        async with self._database.connection() as connection:
            estimate = await connection.fetchrow(_SQL["estimate"])
            if estimate is None or estimate["people"] <= self._most_counted:
                rows = await connection.fetch(_SQL["count_some"], self._most_counted + 1)
                found = {row["locale"]: row["people"] for row in rows}
                if sum(found.values()) <= self._most_counted:
                    return LocaleCounts(found)
        return _projected(estimate) if estimate else None


def _projected(estimate: asyncpg.Record) -> LocaleCounts | None:
    """Return what a sample says of everybody; None if nobody knows when it was taken."""
    if estimate["sampled_at"] is None:
        return None
    parts = zip(estimate["locales"] or (), estimate["parts"] or (), strict=True)
    found: dict[str | None, int] = {locale: round(estimate["people"] * p) for locale, p in parts}
    found[None] = round(estimate["people"] * estimate["without"])
    return LocaleCounts(found, estimate["sampled_at"])
