"""Live through one fault, with one kind of provider, and check what came of it."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.chaos import evidence
from tests.chaos.checker import Findings, check
from tests.chaos.fault import Fault
from tests.chaos.provider import read_log
from tests.chaos.world import Place, World, drop_database, open_world


@dataclass(frozen=True, slots=True)
class Result:
    """Hold what came of one scenario.

    evidence: where more is, if a promise was broken.
    """

    fault: Fault
    honours_keys: bool
    times: int
    findings: Findings
    seconds: float
    notes: dict[str, int] = field(default_factory=dict)
    evidence: Path | None = None


async def live_through(
    fault: Fault, times: int, place: Place, advance: Callable[[int], None]
) -> Result:
    """Bring a fault about so many times, let everything come to rest, and check.

    advance: is told how many times more it was brought about.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with open_world(place, fault.setup) as world:
        try:
            await world.until_all_started()
            await _inject(world, fault, times, advance)
        except TimeoutError as stuck:
            world.problems.append(str(stuck))
        world.notes["seconds of faults"] = round(loop.time() - began)
        await world.settle()
        await world.close_books()
        world.problems += await fault.review(world) if fault.review else []
        findings = await _check(world, fault)
        kept = None if findings.is_kept else await evidence.keep(world, findings)
    if findings.is_kept:
        await drop_database(place)
        shutil.rmtree(place.folder)
    seconds = loop.time() - began
    return Result(fault, place.honours_keys, times, findings, seconds, dict(world.notes), kept)


async def _inject(world: World, fault: Fault, times: int, advance: Callable[[int], None]) -> None:
    stopping = asyncio.Event()
    feeding = asyncio.create_task(world.feed.run(stopping)) if fault.setup.is_fed else None
    turns = iter(range(0, times, fault.per_turn))

    async def take_turns() -> None:
        for _ in turns:
            await fault.inject(world)
            advance(fault.per_turn)

    try:
        async with asyncio.TaskGroup() as lanes:
            for _ in range(fault.at_once):
                lanes.create_task(take_turns())
    except* TimeoutError as group:
        raise TimeoutError("; ".join(map(str, group.exceptions))) from None
    finally:
        stopping.set()
        if feeding:
            await feeding


async def _check(world: World, fault: Fault) -> Findings:
    rows = await world.witness.list_rows()
    people = await world.witness.map_people()
    findings = check(
        world.feed.expected,
        people,
        rows,
        read_log(world.provider_log),
        honours_keys=world.place.honours_keys,
    )
    woken = await world.witness.list_writes_of_the_woken()
    late = await world.witness.list_claims_after_edits()
    key_of = {row.message_id: row.key for row in rows}
    more = {
        "woken": [key_of[found["message_id"]] for found in woken],
        "claimed after the edit": [key_of[found["message_id"]] for found in late],
        "ambiguous": [row.key for row in rows if row.ambiguous] if fault.is_clear else [],
        "other": world.problems,
    }
    found = {**findings.broken, **{name: keys for name, keys in more.items() if keys}}
    return replace(findings, broken=found)
