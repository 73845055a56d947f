"""Keep API keys: the hashes of their secrets, never the secrets."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from heyday.db import queries
from heyday.db.connection import Database
from heyday.db.types import PooledConnection
from heyday.domain.access import ApiKey, KeyDraft, Scope, StoredKey

_COLUMNS = "id, prefix, name, scopes, created_at, expires_at, revoked_at, last_used_at"
_SQL = {name: q.fill({"columns": _COLUMNS}) for name, q in queries.load("api_keys").items()}


def statement(name: str) -> str:
    """Return a statement with its columns filled in."""
    return _SQL[name]


class ApiKeyRepository:
    """Run the statements of db/sql/api_keys.sql (access_ports.KeyStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(
        self, draft: KeyDraft, prefix: str, digest: bytes, now: datetime
    ) -> ApiKey | None:
        """Store a new key; None if its prefix is taken. Raises DatabaseError."""
        async with self._database.connection() as connection, connection.transaction():
            return await _insert(connection, draft, prefix, digest, now)

    async def insert_first(
        self, draft: KeyDraft, prefix: str, digest: bytes, now: datetime
    ) -> ApiKey | None:
        """Store a new key if there never was one; None otherwise, however many try at once."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_SQL["lock"])
            if await connection.fetchval(_SQL["has_any"]):
                return None
            return await _insert(connection, draft, prefix, digest, now)

    async def has_any(self) -> bool:
        """Tell whether there ever was a key."""
        async with self._database.connection() as connection:
            return bool(await connection.fetchval(_SQL["has_any"]))

    async def list_valid(self, now: datetime) -> Sequence[StoredKey]:
        """Return every key that opens something. Raises DatabaseError."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_SQL["list_valid"], now)
        return [StoredKey(_key(row), row["secret_hash"]) for row in rows]

    async def list_all(self) -> Sequence[ApiKey]:
        """Return every key there ever was, the oldest first."""
        async with self._database.connection() as connection:
            return [_key(row) for row in await connection.fetch(_SQL["list_all"])]

    async def revoke(self, prefix: str, now: datetime) -> ApiKey | None:
        """Revoke a key, once and for all; None if there is no such key."""
        async with self._database.connection() as connection, connection.transaction():
            row = await connection.fetchrow(_SQL["revoke"], prefix, now)
            await connection.execute(_SQL["announce"])
        return _key(row) if row else None

    async def note_use(self, used_at: Mapping[UUID, datetime]) -> None:
        """Write down when these keys were last used. Raises DatabaseError."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_SQL["note_use"], list(used_at), list(used_at.values()))


async def _insert(
    connection: PooledConnection, draft: KeyDraft, prefix: str, digest: bytes, now: datetime
) -> ApiKey | None:
    row = await connection.fetchrow(
        _SQL["insert"],
        prefix,
        digest,
        draft.name,
        sorted(draft.scopes),
        now,
        draft.expires_at,
    )
    await connection.execute(_SQL["announce"])
    return _key(row) if row else None


def _key(row: asyncpg.Record) -> ApiKey:
    return ApiKey(
        id=row["id"],
        prefix=row["prefix"],
        name=row["name"],
        scopes=frozenset(map(Scope, row["scopes"])),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
    )
