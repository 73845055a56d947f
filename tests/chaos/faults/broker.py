"""Kill the node of RabbitMQ that leads, part all of Heyday from RabbitMQ, wipe it."""

import asyncio
from collections.abc import Awaitable
from functools import partial

from tests.chaos.fault import Fault
from tests.chaos.provider import read_log
from tests.chaos.stalls import longest_stall
from tests.chaos.waiting import pause, wait_until
from tests.chaos.world import PATIENT, Setup, World

_LEADS_WITHIN = 30.0
_LONGEST_STALL = 5_000
_PARTED_FOR = 30.0
_GOES_ON_WITHIN = 30.0
_RECOVERS_WITHIN = 60.0
_STALL = "longest stall, ms"
_KILLED = "leaders killed"
_RESUMED = "longest until sent again, ms"
_RECOVERED = "longest until all that waited was sent, ms"


async def _kill_leader(world: World) -> None:
    """Kill the node that leads the queue, and start it again once another does."""
    broker, host = world.broker, world.place.name
    if not world.notes[_KILLED]:
        await asyncio.to_thread(broker.remember_queues)
    await pause(world.chance.uniform(0.0, 1.0))
    look = partial(asyncio.to_thread, broker.leader, host)
    leader = await wait_until(look, _LEADS_WITHIN, "a node that leads the queue")
    await asyncio.to_thread(leader.kill)
    world.notes[_KILLED] += 1
    await pause(world.chance.uniform(1.0, 4.0))
    await asyncio.to_thread(leader.start)


async def _measure_stall(world: World) -> list[str]:
    created = await world.witness.map_creations()
    requests = list(read_log(world.provider_log))
    stall = round(longest_stall(requests, created).total_seconds() * 1000)
    world.notes[_STALL] = stall
    return [] if stall <= _LONGEST_STALL else [f"nothing was sent for {stall} ms"]


async def _part(world: World) -> None:
    """Pass nothing on between Heyday and RabbitMQ, and say nothing, for half a minute."""
    assert world.proxy is not None
    await pause(world.chance.uniform(0.5, 2.0))
    world.proxy.hold()
    await pause(_PARTED_FOR)
    size = world.provider_log.stat().st_size
    world.proxy.mend()

    async def look() -> bool:
        return world.provider_log.stat().st_size > size

    await _time(world, _RESUMED, wait_until(look, _GOES_ON_WITHIN, "a letter after the partition"))


async def _wipe(world: World) -> None:
    """Have RabbitMQ begin with nothing; wait until all is sent that waited in it."""
    broker, host = world.broker, world.place.name
    await pause(world.chance.uniform(0.5, 2.0))
    await asyncio.to_thread(broker.nodes[0].kill)
    waited = await world.witness.list_queued()
    await asyncio.to_thread(broker.nodes[0].wipe)
    await asyncio.to_thread(broker.add_host, host)
    world.notes["waited in what was wiped"] += len(waited)

    async def look() -> bool:
        return not await world.witness.count_live(waited)

    end = wait_until(look, _RECOVERS_WITHIN, "an end of what was wiped", every=0.2)
    await _time(world, _RECOVERED, end)


async def _time(world: World, note: str, end: Awaitable[bool]) -> None:
    """Wait for an end, and note the longest such wait."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await end
    world.notes[note] = max(world.notes[note], round((loop.time() - began) * 1000))


LEADER = Fault(
    "leader",
    "three nodes of RabbitMQ: SIGKILL of the one that leads",
    times=50,
    short=2,
    inject=_kill_leader,
    setup=Setup(nodes=3, settings=lambda: PATIENT),
    review=_measure_stall,
    is_clear=True,
    is_of_broker=True,
)
PARTITION = Fault(
    "partition",
    "no way to RabbitMQ for 30 s, and no word of it",
    times=30,
    short=2,
    inject=_part,
    setup=Setup(is_behind_proxy=True, settings=lambda: PATIENT),
    is_clear=True,
    is_of_broker=True,
)
WIPE = Fault(
    "wipe",
    "RabbitMQ wiped in mid-run",
    times=10,
    short=2,
    inject=_wipe,
    setup=Setup(settings=lambda: PATIENT),
    is_clear=True,
    is_of_broker=True,
)
