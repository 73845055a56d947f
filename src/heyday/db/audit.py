"""Keep the audit log."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from heyday.db import partitions, queries
from heyday.db.connection import Database
from heyday.domain.audit import ActorKind, AuditEntry, AuditFilter, AuditUpkeep, Deed
from heyday.domain.transactions import apart

_QUERIES = queries.load("audit")


class AuditRepository:
    """Write lines that no transaction of a deed has written, and read all (domain/audit.py)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_looks(self, deeds: Sequence[Deed]) -> None:
        """Write down deeds that no transaction of their own has noted."""
        columns = zip(*(_values(deed) for deed in deeds), strict=True)
        with apart():
            async with self._database.connection() as connection:
                await connection.execute(
                    _QUERIES["add_looks"].text, *(list(column) for column in columns)
                )

    async def list_page(
        self, asked: AuditFilter, before: int | None, limit: int
    ) -> list[AuditEntry]:
        """Return up to `limit` lines, the latest first, older than the one of this number."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                _QUERIES["list_page"].text,
                before,
                asked.person_id,
                asked.actor,
                asked.key,
                asked.action,
                asked.since,
                asked.until,
                limit,
            )
        return [_entry(row) for row in rows]

    async def keep(self, now: datetime, months: int) -> AuditUpkeep:
        """Create the months that are near; drop those that ended so many whole months ago."""
        with apart():
            async with self._database.connection() as connection:
                created, dropped = await partitions.keep_audit_log(connection, now, months)
        return AuditUpkeep(created, dropped)


def _values(deed: Deed) -> tuple[object, ...]:
    actor = deed.actor
    subjects = "{" + ",".join(map(str, deed.subject_ids)) + "}"
    return (
        actor.kind.value,
        actor.id,
        actor.name,
        deed.action,
        subjects,
        actor.address,
        deed.request_id,
    )


def _entry(row: asyncpg.Record) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        at=row["at"],
        actor_kind=ActorKind(row["actor_kind"]),
        actor_id=row["actor_id"],
        actor_name=row["actor_name"],
        sql_role=row["sql_role"],
        action=row["action"],
        subject_ids=tuple(row["subject_ids"]),
        fields=tuple(row["fields"]),
        address=row["address"],
        request_id=row["request_id"],
    )
