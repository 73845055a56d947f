"""How sessions begin and end, and how seldom the database is asked."""

import asyncio
from datetime import timedelta
from itertools import count

import pytest

from heyday.domain.access import ApiKey
from heyday.domain.errors import DatabaseUnavailable
from heyday.domain.sessions import IDLE, LONGEST, digest_of
from heyday.services.key_ring import KeyRing
from heyday.services.keys import KeyService
from heyday.services.sessions import SessionConfig, SessionService
from tests.fakes import FakeClock
from tests.keys import MemoryKeys, MemorySessions

NUMBERS = count(1)


def chance(size: int) -> bytes:
    return next(NUMBERS).to_bytes(size, "little")


class House:
    """Keys and sessions in memory."""

    def __init__(self, clock: FakeClock, config: SessionConfig | None = None) -> None:
        self.clock = clock
        self.store, self.kept = MemoryKeys(), MemorySessions()
        news = asyncio.Event()
        ring = KeyRing(self.store, news, clock)
        self.keys = KeyService(self.store, news, clock, chance)
        self.sessions = SessionService(self.kept, ring, clock, chance, config)

    async def key(self, **given: object) -> ApiKey:
        return (await self.keys.create({"name": "x", "scopes": ["admin"], **given})).key


@pytest.fixture
def house(clock: FakeClock) -> House:
    return House(clock)


async def test_a_session_stands_for_its_key_and_for_no_other(house: House) -> None:
    one, other = await house.key(), await house.key()
    token, others = await house.sessions.begin(one), await house.sessions.begin(other)
    assert token != others
    assert await house.sessions.find(token) == one
    assert await house.sessions.find(others) == other
    assert list(house.kept.stored) == [digest_of(token), digest_of(others)]


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "0" * 63, "É" * 64])
async def test_what_is_no_session_opens_nothing(house: House, token: str) -> None:
    assert await house.sessions.find(token) is None


async def test_nobody_can_choose_the_token_of_another(house: House) -> None:
    chosen = "0" * 64
    token = await house.sessions.begin(await house.key(), before=chosen)
    assert token != chosen
    assert await house.sessions.find(chosen) is None


async def test_to_sign_in_again_ends_the_session_before(house: House) -> None:
    key = await house.key()
    before = await house.sessions.begin(key)
    assert await house.sessions.find(before)
    token = await house.sessions.begin(key, before=before)
    assert await house.sessions.find(before) is None
    assert await house.sessions.find(token) == key


async def test_an_end_counts_at_once(house: House) -> None:
    token = await house.sessions.begin(await house.key())
    assert await house.sessions.find(token)
    await house.sessions.end(token)
    await house.sessions.end(token)
    await house.sessions.end("no token")
    assert await house.sessions.find(token) is None


async def test_a_session_ends_with_its_key(house: House, clock: FakeClock) -> None:
    soon = clock.now() + timedelta(minutes=1)
    revoked, expiring = await house.key(), await house.key(expires_at=soon.isoformat())
    tokens = [await house.sessions.begin(key) for key in (revoked, expiring)]
    for token in tokens:
        assert await house.sessions.find(token)
    await house.keys.revoke(revoked.prefix)
    assert await house.sessions.find(tokens[0]) is None
    assert await house.sessions.find(tokens[1])
    clock.advance(timedelta(minutes=1))
    assert await house.sessions.find(tokens[1]) is None


async def test_a_key_of_the_same_prefix_is_not_taken_for_it(house: House) -> None:
    key = await house.key()
    token = await house.sessions.begin(key)
    stored = house.store.stored.pop(key.prefix)
    await house.key()
    house.store.stored[key.prefix] = next(iter(house.store.stored.values()))
    house.clock.advance(timedelta(seconds=5))
    assert stored.key == key
    assert await house.sessions.find(token) is None


async def test_it_lasts_while_it_is_used_and_no_longer_than_it_may(
    house: House, clock: FakeClock
) -> None:
    token = await house.sessions.begin(await house.key())
    began_at = clock.now()
    step = IDLE - timedelta(minutes=1)
    while clock.now() + step < began_at + LONGEST:
        clock.advance(step)
        assert await house.sessions.find(token)
    clock.set(began_at + LONGEST)
    assert await house.sessions.find(token) is None


async def test_it_ends_when_it_is_not_used(house: House, clock: FakeClock) -> None:
    token = await house.sessions.begin(await house.key())
    clock.advance(IDLE / 2)
    assert await house.sessions.find(token, is_use=False)
    clock.advance(IDLE / 2)
    assert await house.sessions.find(token) is None


async def test_the_database_is_asked_every_few_seconds_at_the_most(
    house: House, clock: FakeClock
) -> None:
    token = await house.sessions.begin(await house.key())
    for _ in range(100):
        assert await house.sessions.find(token)
    assert house.kept.finds == 1
    clock.advance(timedelta(seconds=5))
    assert await house.sessions.find(token)
    assert house.kept.finds == 2


async def test_who_signs_out_elsewhere_is_out_here_after_a_few_seconds(
    house: House, clock: FakeClock
) -> None:
    token = await house.sessions.begin(await house.key())
    assert await house.sessions.find(token)
    await house.kept.end(digest_of(token))
    clock.advance(timedelta(seconds=5))
    assert await house.sessions.find(token) is None


async def test_while_the_database_is_away_who_was_there_goes_on(
    house: House, clock: FakeClock
) -> None:
    token, unseen = [await house.sessions.begin(await house.key()) for _ in range(2)]
    assert await house.sessions.find(token)
    house.kept.fault = DatabaseUnavailable("away")
    clock.advance(timedelta(hours=1))
    assert await house.sessions.find(token)
    with pytest.raises(DatabaseUnavailable):
        await house.sessions.find(unseen)
    clock.advance(IDLE)
    assert await house.sessions.find(token) is None


async def test_no_more_is_held_than_there_is_room_for(clock: FakeClock) -> None:
    house = House(clock, SessionConfig(held=2))
    tokens = [await house.sessions.begin(await house.key()) for _ in range(3)]
    for _ in range(2):
        for token in tokens:
            assert await house.sessions.find(token)
    assert house.kept.finds == 6, "the first had to go for the third"
    assert await house.sessions.find(tokens[-1])
    assert house.kept.finds == 6


async def test_invented_tokens_take_few_connections(clock: FakeClock) -> None:
    house = House(clock, SessionConfig(looks=2))
    at_once = most = 0
    find = house.kept.find

    async def slowly(*given: object) -> object:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return await find(*given)  # type: ignore[arg-type]

    house.kept.find = slowly  # type: ignore[method-assign,assignment]
    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(house.sessions.find(f"{number:064x}"))
    assert most == 2
    assert house.kept.finds == 50
