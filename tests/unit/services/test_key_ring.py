"""Which key a caller has, how little is read for it, and how soon changes count."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from heyday.domain.access import ApiKey, Scope, StoredKey, form_credential, read_credential
from heyday.domain.errors import DatabaseUnavailable
from heyday.services.key_ring import KeyRing, RingConfig
from heyday.services.keys import KeyService
from tests.fakes import FakeClock
from tests.keys import MemoryKeys

KEPT_FOR = RingConfig().kept_for
MOMENT = timedelta(milliseconds=1)
AWAY = DatabaseUnavailable("away")


class Bench:
    """A ring, what changes keys in the same process, and what does so in another one."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.store = MemoryKeys()
        self.news = asyncio.Event()
        self.ring = KeyRing(self.store, self.news, clock)
        self.here = KeyService(self.store, self.news, clock, secrets.token_bytes)
        self.elsewhere = KeyService(self.store, asyncio.Event(), clock, secrets.token_bytes)

    async def find(self, text: str) -> ApiKey | None:
        credential = read_credential(text)
        assert credential
        return await self.ring.find(credential)

    async def known(self, **given: object) -> str:
        """Return a key that the ring holds."""
        made = await self.here.create({"name": "x", "scopes": [Scope.ADMIN], **given})
        assert await self.find(made.text) == made.key
        return made.text


@pytest.fixture
def bench(clock: FakeClock) -> Bench:
    return Bench(clock)


def stranger() -> str:
    return form_credential(secrets.token_bytes(36)).text


async def test_a_thousand_requests_in_a_second_read_keys_once(bench: Bench) -> None:
    key = await bench.known()
    reads = bench.store.reads
    for _ in range(1000):
        assert await bench.find(key)
    assert bench.store.reads == reads


async def test_all_who_come_at_once_wait_for_one_look(bench: Bench) -> None:
    made = await bench.here.create({"name": "x", "scopes": [Scope.ADMIN]})
    found = await asyncio.gather(*(bench.find(made.text) for _ in range(50)))
    assert found == [made.key] * 50
    assert bench.store.reads == 1


async def test_the_right_prefix_with_another_secret_opens_nothing(bench: Bench) -> None:
    key = await bench.known()
    assert await bench.find(key[:-1] + ("0" if key[-1] != "0" else "1")) is None


async def test_what_is_revoked_here_is_refused_at_once(bench: Bench) -> None:
    key = await bench.known()
    await bench.here.revoke(key[3:11])
    assert await bench.find(key) is None


async def test_what_is_revoked_elsewhere_is_refused_as_soon_as_that_is_heard(
    bench: Bench,
) -> None:
    key = await bench.known()
    await bench.elsewhere.revoke(key[3:11])
    assert await bench.find(key)
    bench.news.set()
    assert await bench.find(key) is None


async def test_and_within_five_seconds_if_it_is_not_heard(bench: Bench) -> None:
    assert timedelta(seconds=5) >= KEPT_FOR
    key = await bench.known()
    await bench.elsewhere.revoke(key[3:11])
    bench.clock.advance(KEPT_FOR - MOMENT)
    assert await bench.find(key)
    bench.clock.advance(MOMENT)
    assert await bench.find(key) is None


async def test_a_key_that_expires_is_refused_that_instant(bench: Bench) -> None:
    key = await bench.known(expires_at=(bench.clock.now() + timedelta(seconds=2)).isoformat())
    bench.clock.advance(timedelta(seconds=2) - MOMENT)
    assert await bench.find(key)
    bench.clock.advance(MOMENT)
    assert await bench.find(key) is None


async def test_what_was_made_elsewhere_a_moment_ago_is_taken(bench: Bench) -> None:
    await bench.known()
    made = await bench.elsewhere.create({"name": "y", "scopes": [Scope.ADMIN]})
    assert await bench.find(made.text) == made.key


async def test_guesses_cost_the_database_next_to_nothing(bench: Bench) -> None:
    key = await bench.known()
    reads = bench.store.reads
    for _ in range(5000):
        assert await bench.find(stranger()) is None
    assert bench.store.reads - reads <= 20
    # Ten seconds of a hundred guesses each.
    for _ in range(10):
        bench.clock.advance(timedelta(seconds=1))
        for _ in range(100):
            assert await bench.find(stranger()) is None
    assert bench.store.reads - reads <= 20 + 40 + 4
    assert await bench.find(key)


async def test_while_the_database_is_away_what_was_read_goes_on_to_count(bench: Bench) -> None:
    key = await bench.known()
    bench.store.fault = AWAY
    bench.clock.advance(KEPT_FOR)
    reads = bench.store.reads
    with capture_logs() as lines:
        for _ in range(100):
            assert await bench.find(key)
    assert bench.store.reads == reads + 1, "each request asked a database that is away"
    assert [line["event"] for line in lines] == ["keys_not_read"]
    bench.store.fault = None
    await bench.elsewhere.revoke(key[3:11])
    bench.clock.advance(RingConfig().ask_again)
    assert await bench.find(key) is None


async def test_without_having_read_anything_nobody_is_let_in(bench: Bench) -> None:
    bench.store.fault = AWAY
    with pytest.raises(DatabaseUnavailable):
        await bench.find(stranger())


async def test_a_database_that_does_not_answer_holds_requests_up_for_a_moment_alone(
    clock: FakeClock,
) -> None:
    bench = Bench(clock)
    bench.ring = KeyRing(bench.store, bench.news, clock, RingConfig(patience=MOMENT))
    key = await bench.known()

    async def never(now: datetime) -> Sequence[StoredKey]:
        await asyncio.Event().wait()
        raise AssertionError(now)

    bench.store.list_valid = never  # type: ignore[method-assign]
    clock.advance(KEPT_FOR)
    async with asyncio.timeout(5):
        assert await bench.find(key)
        assert await bench.find(key)
        await bench.ring.close()


async def test_what_changes_while_keys_are_read_is_not_missed(bench: Bench) -> None:
    key = await bench.known()
    read, has_read, may_end = bench.store.list_valid, asyncio.Event(), asyncio.Event()

    async def slowly(now: datetime) -> Sequence[StoredKey]:
        found = await read(now)
        has_read.set()
        await may_end.wait()
        return found

    bench.store.list_valid = slowly  # type: ignore[method-assign]
    bench.clock.advance(KEPT_FOR)
    asking = asyncio.create_task(bench.find(key))
    await has_read.wait()
    await bench.here.revoke(key[3:11])
    may_end.set()
    assert await asking is None


async def test_use_is_noted_for_each_key_once(bench: Bench) -> None:
    used, unused = (
        await bench.known(),
        await bench.elsewhere.create({"name": "y", "scopes": [Scope.ADMIN]}),
    )
    bench.clock.advance(timedelta(seconds=30))
    for _ in range(100):
        await bench.find(used)
    await bench.find(used[:-4] + "0000")
    await bench.ring.flush()
    last_used = {key.prefix: key.last_used_at for key in await bench.here.list_all()}
    assert last_used == {used[3:11]: bench.clock.now(), unused.key.prefix: None}


async def test_what_could_not_be_noted_is_noted_later_and_nothing_twice(bench: Bench) -> None:
    key = await bench.known()
    at = bench.clock.now()
    bench.store.fault = AWAY
    with capture_logs() as lines:
        await bench.ring.flush()
    assert [(line["event"], line["keys"]) for line in lines] == [("key_use_not_written", 1)]
    bench.store.fault = None
    await bench.ring.close()
    assert (await bench.here.list_all())[0].last_used_at == at
    bench.store.fault = AssertionError("there was nothing to write")
    await bench.ring.flush()
    assert key
