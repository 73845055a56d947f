"""Have the provider fail in every way."""

from tests.chaos import clock
from tests.chaos.fault import Fault
from tests.chaos.provider import Behaviour
from tests.chaos.waiting import wait_until
from tests.chaos.world import Setup, World
from tests.provider import Act

# Each kind with 3 % of the requests; two of them accept the message every other time.
_KINDS = (
    (Act.ERROR, Act.ERROR_ACCEPTED),
    (Act.HANG, Act.HANG_ACCEPTED),
    (Act.UNAVAILABLE,) * 2,
    (Act.BUSY,) * 2,
    (Act.RESET_ACCEPTED,) * 2,
    (Act.SLOW_BODY_ACCEPTED,) * 2,
    (Act.SUCCESS_FALSE,) * 2,
    (Act.HTML_ACCEPTED,) * 2,
)
_SHARE = 0.03 * len(_KINDS)
_SET = 500
_BACKLOG = 60


async def _send_some(world: World) -> None:
    async def look() -> bool:
        return await world.witness.count_waiting() < _BACKLOG

    await wait_until(look, 120, "room for more people")
    await world.feed.add(world.feed.maker.late_joiners(_SET, clock.now()))


FAULTY = Fault(
    "provider",
    "provider: 500, 503, 429, hang, reset after accepting, slow body, success: false, HTML, "
    "3 % each",
    times=100_000,
    short=2_000,
    inject=_send_some,
    per_turn=_SET,
    setup=Setup(
        workers=2,
        is_fed=False,
        provider=Behaviour(
            faults=_SHARE, acts=[act for kind in _KINDS for act in kind], latency=0.0
        ),
        settings=lambda: {"HEYDAY_BATCH_SIZE": "100", "HEYDAY_CONCURRENCY": "32"},
    ),
)
