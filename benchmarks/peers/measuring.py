"""Have one of the peers, or Heyday, greet many people at one instant."""

import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks import instant
from benchmarks.lateness import Lateness
from benchmarks.peers import servers
from benchmarks.peers.figures import Cpu, Received, Run
from benchmarks.peers.peers import BY_NAME, HEYDAY, PROGRAMS, Peer
from benchmarks.peers.servers import Broker, Database
from benchmarks.processes import ROOT, Program, Provider, cpu_seconds, provider, running
from benchmarks.scene import Load
from benchmarks.stub import read_log
from tests.chaos import clock
from tests.chaos.waiting import pause

VENV = ROOT / ".venv-peers"
_STARTS = timedelta(seconds=15)
_LOOK_EVERY = 0.25
_STALLED = 45.0


async def measure(name: str, greetings: int, worker: str | None = None) -> Run:
    """Return what one run gave; a peer may have a limit of its own to how many it is given.

    worker: another command of a peer's workers.   Raises KeyError if nobody has that name.
    """
    with instant.new_folder() as folder:
        if name == HEYDAY:
            return _as_run(await instant.measure(Load(greetings), folder))
        peer = BY_NAME[name].run_by(worker) if worker else BY_NAME[name]
        async with AsyncExitStack() as stack:
            ground: contextlib.AbstractAsyncContextManager[Database | Broker] = (
                servers.database(folder, peer.left) if peer.left else servers.broker(folder)
            )
            server = await stack.enter_async_context(ground)
            stub = await stack.enter_async_context(provider(folder))
            return await Trial(peer, server, stub, folder).run(peer.share(greetings))


def _as_run(figures: instant.Figures) -> Run:
    """Say of Heyday what is said of its peers. All that it spends is counted after the instant."""
    cpu = figures.cost.cpu
    return Run(
        name=HEYDAY,
        greetings=figures.planned,
        handed_over=None,
        lost=figures.lost,
        twice=figures.twice,
        undone=figures.unsent,
        seconds=figures.seconds,
        lateness=figures.lateness,
        before=Cpu(0.0, 0.0),
        after=Cpu(cpu.heyday, cpu.postgresql),
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """Hold a peer with all that takes part. folder: where its processes run, and write to."""

    peer: Peer
    server: Database | Broker
    provider: Provider
    folder: Path

    async def run(self, greetings: int) -> Run:
        """Start its workers, enqueue for an instant to come, and see all through."""
        for number, words in enumerate(self.peer.prepare):
            await self._call(f"prepare-{number}", words)
        began = Cpu(0.0, cpu_seconds([self.server.pid]))
        async with self._workers() as workers:
            due_at = clock.now() + _STARTS + timedelta(seconds=greetings / self.peer.enqueues)
            enqueued = await self._enqueue(greetings, due_at)
            await pause((due_at - clock.now()).total_seconds())
            at_due = self._cpu(workers)
            await self._until_received(greetings)
            undone = await self._until_done()
            after = self._cpu(workers).since(at_due)
        await self.provider.program.stop()  # its log is whole now
        received = Received.of(read_log(self.provider.received), due_at.timestamp())
        before = at_due.since(began)
        return Run(
            name=self.peer.name,
            greetings=greetings,
            handed_over=enqueued["seconds"],
            lost=greetings - len(received.late),
            twice=received.twice,
            undone=undone,
            seconds=max(received.late),
            lateness=Lateness.of(received.late),
            before=Cpu(before.programs + enqueued["cpu"], before.server),
            after=after,
        )

    async def _enqueue(self, greetings: int, due_at: datetime) -> Mapping[str, float]:
        program = (f"{PROGRAMS}.enqueue", f"{PROGRAMS}.{self.peer.program}")
        words = ("python", "-m", *program, str(greetings), due_at.isoformat())
        said = await self._call("enqueue", words)
        if (late := clock.now() - due_at) > timedelta():
            raise TimeoutError(f"all was enqueued {late.total_seconds():.0f} s too late")
        found: Mapping[str, float] = json.loads(said.splitlines()[-1])
        return found

    async def _until_received(self, greetings: int) -> None:
        """Return once the provider has had so many, or has had no more for long."""
        found, grew_at = 0, clock.now()
        while found < greetings and (clock.now() - grew_at).total_seconds() < _STALLED:
            if (now := await self.provider.count()) > found:
                found, grew_at = now, clock.now()
            await pause(_LOOK_EVERY)

    async def _until_done(self) -> int:
        """Return how many jobs are not marked as done, once none are, or it stays so for long."""
        left, fell_at = sys.maxsize, clock.now()
        while left and (clock.now() - fell_at).total_seconds() < _STALLED:
            if (now := await self.server.count()) < left:
                left, fell_at = now, clock.now()
            await pause(_LOOK_EVERY)
        return left

    def _cpu(self, workers: Sequence[Program]) -> Cpu:
        return Cpu(cpu_seconds(each.pid for each in workers), cpu_seconds([self.server.pid]))

    @contextlib.asynccontextmanager
    async def _workers(self) -> AsyncIterator[Sequence[Program]]:
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(
                    self._running(
                        f"worker-{number}",
                        [word.replace("{number}", str(number)) for word in self.peer.worker],
                    )
                )
                for number in range(self.peer.copies)
            ]

    async def _call(self, name: str, words: Sequence[str]) -> str:
        """Run a program to its end; return what it printed. Raises RuntimeError where it fails."""
        async with self._running(name, words) as program:
            if await program.process.wait():
                raise RuntimeError(f"{' '.join(words)}: {program.said()[-2000:]}")
            return program.said()

    def _running(
        self, name: str, words: Sequence[str]
    ) -> contextlib.AbstractAsyncContextManager[Program]:
        programs = VENV / "bin"
        settings = {
            "PATH": f"{programs}{os.pathsep}{os.defpath}",
            "HOME": str(self.folder),
            "PEERS_PROVIDER": self.provider.url,
            "PEERS_SERVER": self.server.url,
            # What PgQueuer's own commands read.
            "PGDSN": self.server.url,
        }
        return running(name, (str(programs / words[0]), *words[1:]), settings, self.folder)
