"""Keys in PostgreSQL, and in the memory of tests, which must do the same."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from heyday.db.api_keys import ApiKeyRepository
from heyday.db.connection import Database, PoolConfig
from heyday.db.notifications import KEYS, Notifications
from heyday.db.types import AnyConnection
from heyday.domain.access import KeyDraft, Scope
from heyday.domain.access_ports import KeyStore
from tests.keys import MemoryKeys

NOW = datetime(2027, 1, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
DRAFT = KeyDraft("payroll", frozenset({Scope.USERS_WRITE, Scope.MESSAGES_READ}), NOW + HOUR)
EVER = KeyDraft("ops", frozenset({Scope.ADMIN}))


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(PoolConfig(database_url, min_size=1))
    await database.open()
    yield database
    await database.close()


@pytest.fixture(params=["PostgreSQL", "memory"])
def store(request: pytest.FixtureRequest) -> KeyStore:
    if request.param == "memory":
        return MemoryKeys()
    return ApiKeyRepository(request.getfixturevalue("database"))


async def test_a_key_comes_back_as_it_was_stored(store: KeyStore) -> None:
    assert not await store.has_any()
    key = await store.insert(DRAFT, "00000001", digest("a"), NOW)
    assert key
    assert (key.name, key.scopes, key.expires_at) == (DRAFT.name, DRAFT.scopes, DRAFT.expires_at)
    assert (key.prefix, key.created_at) == ("00000001", NOW)
    assert (key.revoked_at, key.last_used_at) == (None, None)
    assert await store.has_any()
    assert list(await store.list_all()) == [key]
    (stored,) = await store.list_valid(NOW)
    assert (stored.key, stored.digest) == (key, digest("a"))


async def test_a_prefix_is_given_once(store: KeyStore) -> None:
    assert await store.insert(DRAFT, "00000001", digest("a"), NOW)
    assert await store.insert(EVER, "00000001", digest("b"), NOW) is None
    assert [key.name for key in await store.list_all()] == ["payroll"]


async def test_the_oldest_comes_first(store: KeyStore) -> None:
    for prefix, at in (("00000003", NOW), ("00000001", NOW + HOUR), ("00000002", NOW)):
        await store.insert(EVER, prefix, digest(prefix), at)
    listed = [key.prefix for key in await store.list_all()]
    assert listed == ["00000002", "00000003", "00000001"]


async def test_what_expired_or_was_revoked_is_listed_and_opens_nothing(store: KeyStore) -> None:
    await store.insert(DRAFT, "00000001", digest("a"), NOW)
    await store.insert(EVER, "00000002", digest("b"), NOW)
    await store.insert(EVER, "00000003", digest("c"), NOW)
    revoked = await store.revoke("00000002", NOW)
    assert revoked
    assert revoked.revoked_at == NOW
    assert await store.revoke("00000002", NOW + HOUR) == revoked
    assert await store.revoke("00000009", NOW) is None
    valid = {at: await store.list_valid(at) for at in (NOW, NOW + HOUR)}
    assert [sorted(each.key.prefix for each in keys) for keys in valid.values()] == [
        ["00000001", "00000003"],
        ["00000003"],
    ]
    assert len(await store.list_all()) == 3


async def test_a_use_is_noted_and_an_earlier_one_changes_nothing(store: KeyStore) -> None:
    keys = [await store.insert(EVER, f"0000000{n}", digest(str(n)), NOW) for n in range(3)]
    first, second, _ = [key.id for key in keys if key]
    await store.note_use({first: NOW + HOUR, second: NOW, UUID(int=7): NOW})
    await store.note_use({second: NOW + HOUR, first: NOW})
    assert [k.last_used_at for k in await store.list_all()] == [NOW + HOUR, NOW + HOUR, None]


async def test_the_first_key_is_one_however_many_try(store: KeyStore) -> None:
    tried = await asyncio.gather(
        *(store.insert_first(EVER, f"0000000{n}", digest(str(n)), NOW) for n in range(8))
    )
    assert len([key for key in tried if key]) == 1
    assert len(await store.list_all()) == 1


async def test_all_processes_hear_of_a_new_key_and_of_a_revoked_one(
    database: Database, database_url: str
) -> None:
    store, notifications = ApiKeyRepository(database), Notifications(database_url)
    event = notifications.event(KEYS)
    listening = asyncio.create_task(notifications.run())
    async with asyncio.timeout(10):
        await event.wait()  # as when the listening begins: something may have been missed
        event.clear()
        await store.insert(EVER, "00000001", digest("a"), NOW)
        await event.wait()
        event.clear()
        await store.revoke("00000001", NOW)
        await event.wait()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


@pytest.mark.parametrize(
    ("secret", "scopes"),
    [(b"x" * 31, ["admin"]), (b"x" * 32, []), (b"x" * 32, ["root"]), (b"x" * 32, ["admin", "x"])],
)
async def test_the_table_takes_no_other_hash_and_no_other_scope(
    connection: AnyConnection, secret: bytes, scopes: list[str]
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(
            "INSERT INTO api_keys (prefix, secret_hash, name, scopes, created_at) "
            "VALUES ('00000001', $1, 'x', $2, now())",
            secret,
            scopes,
        )
