"""Have the provider fail in every way."""

from dataclasses import replace

from tests.chaos import clock
from tests.chaos.fault import Fault
from tests.chaos.provider import Behaviour, read_log
from tests.chaos.waiting import pause
from tests.chaos.world import Setup, World
from tests.provider import Act

# Each kind with 3 % of the requests; two of them accept the message every other time. A 429 with a
# Retry-After stops everybody for a second, so few have one.
_KIND = 100
_ACTS: dict[str, int] = {
    **dict.fromkeys((Act.ERROR, Act.ERROR_ACCEPTED, Act.HANG, Act.HANG_ACCEPTED), _KIND // 2),
    Act.BUSY: 1,
    Act.BUSY_NOW: _KIND - 1,
    **dict.fromkeys(
        (
            *(Act.UNAVAILABLE, Act.RESET_ACCEPTED, Act.SLOW_BODY_ACCEPTED),
            *(Act.SUCCESS_FALSE, Act.HTML_ACCEPTED),
        ),
        _KIND,
    ),
}
_SHARE = 0.03 * sum(_ACTS.values()) / _KIND
_SET = 200
_BATCHES = 4


async def _send_some(world: World) -> None:
    await world.witness.until_hungry(_BATCHES)
    await world.feed.add(world.feed.maker.late_joiners(_SET, clock.now()))


async def _forget_the_pace(world: World) -> None:
    """Let the rate that a 429 halves be as it was: at 3 % of them it would fall to one a second."""
    while True:
        await world.witness.fetch("DELETE FROM provider_pace")
        await pause(0.2)


# Some five calls for a batch of the queue; that three fail in a row is no reason to leave the
# provider alone for long, or nothing would be broken meanwhile.
_IN_CALLS = {
    "HEYDAY_BATCH_SIZE": "100",
    "HEYDAY_PROVIDER_BATCH": "20",
    "HEYDAY_CONCURRENCY": "4",
    "HEYDAY_BREAKER_FAILURES": "200",
}

FAULTY = Fault(
    "provider",
    "provider: 500, 503, 429, hang, reset after accepting, slow body, success: false, HTML, "
    "3 % each",
    times=100_000,
    short=400,
    inject=_send_some,
    per_turn=_SET,
    setup=Setup(
        workers=2,
        is_fed=False,
        provider=Behaviour(faults=_SHARE, acts=_ACTS, latency=0.0),
        meanwhile=_forget_the_pace,
        settings=lambda: {"HEYDAY_BATCH_SIZE": "100", "HEYDAY_CONCURRENCY": "32"},
    ),
)


async def _look_for_batches(world: World) -> list[str]:
    sizes = [request.together for request in read_log(world.provider_log)]
    world.notes["requests in batches"] = sum(size > 1 for size in sizes)
    return [] if any(size > 1 for size in sizes) else ["no batch came"]


IN_BATCHES = replace(
    FAULTY,
    name="batches",
    title="provider of batches: the same of whole batches and of one greeting in them",
    times=20_000,
    setup=replace(FAULTY.setup, settings=lambda: _IN_CALLS),
    review=_look_for_batches,
)
