"""Go through faults, each on a ground that suits it, some worlds side by side."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from tests.chaos.checker import Findings
from tests.chaos.fault import Fault
from tests.chaos.ground import Ground, open_ground
from tests.chaos.people import Atlas
from tests.chaos.scenario import Result, live_through
from tests.chaos.world import Place, make_template
from tests.rabbitmq import RabbitCluster

log = structlog.get_logger()


@dataclass
class Runner:
    """Open grounds and brokers when they are first needed, and close them with the stack.

    has_broker: whether RabbitMQ is the transport.
    """

    folder: Path
    seed: int
    stack: AsyncExitStack
    has_broker: bool = False
    atlas: Atlas = field(default_factory=Atlas)
    _grounds: dict[tuple[bool, int], Ground] = field(default_factory=dict)
    _brokers: dict[int, RabbitCluster] = field(default_factory=dict)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(
        self, fault: Fault, times: int, advance: Callable[[int], None], *, honours_keys: bool
    ) -> Result:
        """Bring a fault about so many times, and check.

        What goes wrong with the run itself is a result as well: other faults are still to come.
        """
        try:
            return await self._run(fault, times, advance, honours_keys=honours_keys)
        except Exception as error:
            log.exception("not_run", fault=fault.name)
            findings = Findings(0, 0, 0, 0, 0, {"not run": [repr(error)]})
            return Result(fault, honours_keys, times, findings, 0.0, evidence=self.folder)

    async def _run(
        self, fault: Fault, times: int, advance: Callable[[int], None], *, honours_keys: bool
    ) -> Result:
        name = f"{fault.name}-{'keyed' if honours_keys else 'unkeyed'}"
        if not fault.is_each_alone:
            place = await self._place(fault, name, 0, honours_keys)
            return await live_through(fault, times, place, advance)
        turns = iter(range(times))
        results: list[Result] = []

        async def take_turns(lane: int) -> None:
            for turn in turns:
                place = await self._place(fault, f"{name}-{turn + 1}", lane, honours_keys)
                results.append(await live_through(fault, 1, place, advance))

        async with asyncio.TaskGroup() as lanes:
            for lane in range(fault.at_once):
                lanes.create_task(take_turns(lane))
        return _sum(results)

    async def _place(
        self,
        fault: Fault,
        name: str,
        lane: int,
        honours_keys: bool,  # noqa: FBT001 - passed on
    ) -> Place:
        ground = await self._ground(lane, is_faked=fault.setup.is_faked)
        folder = self.folder / name
        broker = await self._broker(fault.setup.nodes) if self.has_broker else None
        return Place(ground, self.atlas, folder, name, self.seed, honours_keys, broker)

    async def _ground(self, lane: int, *, is_faked: bool) -> Ground:
        key = (is_faked, lane)
        # One after another: Alembic keeps its state in globals.
        async with self._opening:
            if key not in self._grounds:
                folder = self.folder / f"ground-{'faked-' if is_faked else ''}{lane}"
                ground = await self.stack.enter_async_context(
                    open_ground(folder, is_faked=is_faked)
                )
                await make_template(ground.server)
                self._grounds[key] = ground
        return self._grounds[key]

    async def _broker(self, size: int) -> RabbitCluster:
        """Return a RabbitMQ of so many nodes; worlds have a virtual host each."""
        async with self._opening:
            if size not in self._brokers:
                broker = RabbitCluster(self.folder / f"ground-rabbitmq-{size}", size)
                self.stack.push_async_callback(asyncio.to_thread, broker.close)
                await asyncio.to_thread(broker.start)
                self._brokers[size] = broker
        return self._brokers[size]


def _sum(results: list[Result]) -> Result:
    """Return the results of several worlds as one."""
    found = [result.findings for result in results]
    notes: Counter[str] = Counter()
    broken: dict[str, list[str]] = {}
    for result in results:
        notes.update(result.notes)
        for name, keys in result.findings.broken.items():
            broken.setdefault(name, []).extend(keys)
    return replace(
        results[0],
        times=sum(result.times for result in results),
        findings=Findings(
            messages=sum(f.messages for f in found),
            requests=sum(f.requests for f in found),
            held=sum(f.held for f in found),
            extra=sum(f.extra for f in found),
            ambiguous=sum(f.ambiguous for f in found),
            broken=broken,
        ),
        seconds=sum(result.seconds for result in results),
        notes=dict(notes),
        evidence=next((result.evidence for result in results if result.evidence), None),
    )


def log_to(path: Path) -> None:
    """Keep what libraries say of the faults, which they meet here too, off the terminal."""
    logging.basicConfig(filename=path, level=logging.INFO)
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())
