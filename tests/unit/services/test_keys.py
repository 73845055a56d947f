"""Keys made, listed and revoked."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from heyday.domain.access import CHANCE_BYTES, Scope, read_credential
from heyday.domain.errors import InvalidInput, UnknownKey
from heyday.services.keys import KeyService
from tests.fakes import FakeClock
from tests.keys import MemoryKeys

ASKED = {"name": "payroll", "scopes": ["users:read"]}


def chances() -> Iterator[bytes]:
    """Yield as chance would, but the first prefix twice."""
    for number in (1, 1, 2, 3):
        yield bytes([number]) * CHANCE_BYTES


@pytest.fixture
def store() -> MemoryKeys:
    return MemoryKeys()


@pytest.fixture
def news() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def keys(store: MemoryKeys, news: asyncio.Event, clock: FakeClock) -> KeyService:
    made = chances()
    return KeyService(store, news, clock, lambda _: next(made))


async def test_a_key_is_kept_without_its_secret(
    keys: KeyService, store: MemoryKeys, news: asyncio.Event, clock: FakeClock
) -> None:
    made = await keys.create(ASKED)
    credential = read_credential(made.text)
    assert credential
    assert (made.key.prefix, made.key.created_at) == ("01010101", clock.now())
    stored = store.stored["01010101"]
    assert stored.is_opened_by(credential)
    assert credential.secret not in str((stored, vars(store)))
    assert news.is_set()


async def test_a_prefix_that_is_taken_is_not_given_again(keys: KeyService) -> None:
    first, second = await keys.create(ASKED), await keys.create(ASKED)
    assert (first.key.prefix, second.key.prefix) == ("01010101", "02020202")
    assert list(await keys.list_all()) == [first.key, second.key]


async def test_a_key_that_may_not_be_is_not_made(keys: KeyService) -> None:
    with pytest.raises(InvalidInput):
        await keys.create({"name": "", "scopes": []})
    assert not await keys.has_any()


async def test_the_first_key_is_made_once(keys: KeyService) -> None:
    first = await keys.create_first()
    assert first
    assert first.key.scopes == {Scope.ADMIN}
    await keys.revoke(first.key.prefix)
    assert await keys.create_first() is None
    assert len(await keys.list_all()) == 1


async def test_a_key_stays_revoked_since_it_first_was(
    keys: KeyService, news: asyncio.Event, clock: FakeClock
) -> None:
    made = await keys.create(ASKED)
    at = clock.now()
    news.clear()
    assert (await keys.revoke(made.key.prefix)).revoked_at == at
    assert news.is_set()
    clock.advance(timedelta(hours=1))
    assert (await keys.revoke(made.key.prefix)).revoked_at == at


@pytest.mark.parametrize("prefix", ["ffffffff", "", "01010101x", "0101010\x00", "%"])
async def test_what_names_no_key_revokes_none(keys: KeyService, prefix: str) -> None:
    made = await keys.create(ASKED)
    with pytest.raises(UnknownKey, match="heyday keys list"):
        await keys.revoke(prefix)
    assert (await keys.list_all())[0] == made.key
