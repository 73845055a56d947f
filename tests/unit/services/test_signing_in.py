"""Who may sign in, and how often somebody may try."""

from datetime import timedelta

import pytest

from heyday.domain.errors import TooManyRequests
from heyday.domain.rate_limit import RateLimit, Whose
from heyday.rate_limits import OwnRateLimits
from heyday.services.signing_in import SignInService
from heyday.telemetry import Metrics
from tests.fakes import FakeClock
from tests.keys import Doors, memory_doors

UNKNOWN = f"hd_1f3c5d0a_{'0123456789abcdef' * 4}"
HOST = "192.0.2.1"


@pytest.fixture
def doors(clock: FakeClock) -> Doors:
    return memory_doors(failures=OwnRateLimits({Whose.WRONG_KEY: RateLimit(3)}, clock, Metrics()))


@pytest.fixture
def signing_in(doors: Doors) -> SignInService:
    return doors.signing_in


async def test_a_valid_key_is_found_as_it_was_pasted(
    doors: Doors, signing_in: SignInService
) -> None:
    text = await doors.key()
    for pasted in (text, f"  {text}\r\n"):
        key = await signing_in.check(pasted, HOST)
        assert key
        assert key.prefix == text[3:11]


async def test_too_many_wrong_keys_are_told_to_wait_and_right_ones_are_not(
    doors: Doors, signing_in: SignInService, clock: FakeClock
) -> None:
    right, revoked = await doors.key(), await doors.key()
    await doors.keys.revoke(revoked[3:11])
    for wrong in (UNKNOWN, revoked, ""):
        assert await signing_in.check(wrong, HOST) is None
    with pytest.raises(TooManyRequests) as refused:
        await signing_in.check(UNKNOWN, HOST)
    assert refused.value.retry_after > timedelta()
    assert await signing_in.check(UNKNOWN, "192.0.2.2") is None
    assert await signing_in.check(right, HOST)
    clock.advance(timedelta(minutes=1))
    assert await signing_in.check(UNKNOWN, HOST) is None


async def test_who_begins_and_ends_a_session_is_in_and_out(
    doors: Doors, signing_in: SignInService
) -> None:
    key = await signing_in.check(await doors.key(), HOST)
    assert key
    assert doors.access.sessions
    token = await signing_in.begin(key, None)
    assert await doors.access.sessions.find(token) == key
    await signing_in.end(token)
    assert await doors.access.sessions.find(token) is None
