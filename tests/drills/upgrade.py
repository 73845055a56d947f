"""Upgrade from the release before to this one under load, and count what went wrong.

Real processes of the release before: an API, a scheduler, two workers, on a PostgreSQL of their
own, with a provider that honours keys. People are made, read and edited by the API all the time,
and their greetings fall due. This release migrates the database meanwhile; then its processes take
the place of the others, one by one: the new one is started, then the old one gets SIGTERM. Callers
stand behind a load balancer (tests/drills/balancer.py). Exit status 1 unless nothing failed,
nothing was lost and nothing came twice.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.chaos import clock
from tests.chaos.checker import Findings, check
from tests.chaos.people import COLUMNS, Atlas, Expected, Made, Maker, wall_of
from tests.chaos.processes import ROOT, Nursery, Process, open_nursery
from tests.chaos.provider import Behaviour, open_provider, read_log
from tests.chaos.server import open_server
from tests.chaos.waiting import pause, wait_until
from tests.chaos.witness import Witness, open_witness
from tests.chaos.world import SETTINGS
from tests.drills.balancer import Balancer, Instance, open_balancer
from tests.drills.previous import NoHistory, Release, lay_out

_DATABASE = "drill"
_PEOPLE = "/api/v1/users"
_CALLERS = 3
_CROWD = 40
_SETTLES_WITHIN = 120.0
_REFUSED = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """Say how long, in seconds, it goes on between two steps, and a caller between two people."""

    step: float
    person: float = 0.1


SHORT, LONG = Pace(2.0), Pace(15.0)


@dataclass(frozen=True, slots=True)
class Result:
    """Hold what came of it. faults: what else should not have happened.

    notes: figures that are good as they are.
    """

    previous: str
    findings: Findings
    errors: list[str]
    faults: list[str]
    notes: Mapping[str, object]

    @property
    def counts(self) -> Mapping[str, int]:
        """Return what has to be 0."""
        broken = self.findings.broken
        found = {"errors of the API": len(self.errors)}
        found |= {name: len(broken.get(name, ())) for name in ("lost", "duplicates")}
        others = sum(map(len, broken.values())) - found["lost"] - found["duplicates"]
        return found | {"other faults": others + len(self.faults)}

    @property
    def is_good(self) -> bool:
        """Tell whether nobody noticed the upgrade."""
        return not any(self.counts.values())


@dataclass
class Drill:
    """Hold the parts of one drill."""

    folder: Path
    settings: Mapping[str, str]
    pace: Pace
    release: Release
    old: Nursery
    new: Nursery
    witness: Witness
    maker: Maker
    expected: list[Expected] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: dict[str, object] = field(default_factory=dict)
    _numbers: Counter[str] = field(default_factory=Counter)

    async def run(self) -> Result:
        """Go through all of it."""
        await self.expect(self.old, 0, "db", "migrate")
        made = await self.expect(
            self.old, 0, "keys", "create", "drill", "--scope", "admin", "--json"
        )
        async with open_balancer(json.loads(made[made.index("{") :])["key"]) as balancer:
            running = {
                role: [await self.start(self.old, role) for _ in range(number)]
                for role, number in (("api", 1), ("scheduler", 1), ("worker", 2))
            }
            entry = await balancer.take_in(_url_of(running["api"][0]))
            await self.expect(self.new, _REFUSED, "reconcile")
            stopping = asyncio.Event()
            async with asyncio.TaskGroup() as callers:
                callers.create_task(self.crowd(balancer))
                for _ in range(_CALLERS):
                    callers.create_task(self.call(balancer, stopping))
                try:
                    await pause(self.pace.step)
                    await self.migrate(entry)
                    await pause(self.pace.step)
                    staying = await self.replace(running, balancer, entry)
                    await pause(self.pace.step)
                finally:
                    stopping.set()
            await self.settle(staying)
            self.notes |= {f"{method} requests": n for method, n in balancer.requests.items()}
            self.notes["slowest request, ms"] = round(balancer.slowest * 1000)
            return await self.result(balancer)

    async def start(self, nursery: Nursery, role: str) -> Process:
        """Start a process that stays; return it once it is at work."""
        self._numbers[role] += 1
        process = await nursery.start(
            f"{role}-{self._numbers[role]}", role, settings=self.settings, folder=self.folder
        )
        await process.until_started()
        self.see_code(process)
        return process

    def see_code(self, process: Process) -> None:
        """Make sure that a process is of the release that it stands for."""
        is_old = process.nursery is self.old
        source = self.release.source if is_old else ROOT / "src"
        assert Path(process.code).is_relative_to(source), f"{process.name} runs {process.code}"

    async def expect(self, nursery: Nursery, status: int, *words: str) -> str:
        """Run a command to its end; return what it said. Another status is a fault."""
        self._numbers["command"] += 1
        name = f"command-{self._numbers['command']}"
        process = await nursery.start(name, *words, settings=self.settings, folder=self.folder)
        self.see_code(process)
        ended = await process.until_ended(_SETTLES_WITHIN)
        said = process.log.read_text("utf-8")
        if ended != status:
            self.faults.append(f"heyday {' '.join(words)} ended with {ended}: {said[-600:]}")
        return said

    async def call(self, balancer: Balancer, stopping: asyncio.Event) -> None:
        """Make people whose greeting is due at once, read and edit them, until told to stop."""
        while not stopping.is_set():
            (made,) = self.maker.late_joiners(1, clock.now())
            await self.make(balancer, made)
            await pause(self.pace.person, stopping)

    async def crowd(self, balancer: Balancer) -> None:
        """Make people who are all greeted at one moment while processes are replaced."""
        now = clock.now()
        wall = wall_of(self.settings["HEYDAY_ANNIVERSARY_SEND_TIME"])
        due = Atlas().due_between(wall, now, now + timedelta(minutes=5))
        for number in range(_CROWD):
            await self.make(balancer, self.maker.joined_on(due[number % len(due)]))

    async def make(self, balancer: Balancer, made: Made) -> None:
        """Make a person by the API, look at them, and move them to another city."""
        person, expected = made
        self.expected += expected
        given = dict(zip(COLUMNS, person.cells, strict=True))
        answer = await balancer.call(
            "POST", _PEOPLE, json={name: value for name, value in given.items() if value}
        )
        if answer is None:
            return
        path = f"{_PEOPLE}/{answer['id']}"
        seen = await balancer.call("GET", path)
        if seen is not None and seen["email"] != person.email:
            self.faults.append("somebody else was shown than was made")
        await balancer.call("PATCH", path, json={"location_city": "Oslo"})

    async def migrate(self, entry: Instance) -> None:
        """Migrate by this release, while the one before is at work and stays ready."""
        plan = json.loads(await self.expect(self.new, 0, "db", "migrate", "--plan", "--json"))
        missing = [each["revision"] for each in plan["migrations"]]
        if plan["revision"] != self.release.newest_revision or not missing:
            self.faults.append(f"the plan is from {plan['revision']} by {missing}")
        began = asyncio.get_running_loop().time()
        await self.expect(self.new, 0, "db", "migrate")
        took = asyncio.get_running_loop().time() - began
        self.notes |= {"migrations": " ".join(missing), "migrating, s": round(took, 1)}
        await pause(self.pace.step)
        if entry.times_unready or not entry.is_ready:
            self.faults.append("the API of the release before was not ready beside the new schema")

    async def replace(
        self, running: Mapping[str, list[Process]], balancer: Balancer, entry: Instance
    ) -> list[Process]:
        """Start a new process for each old one, then end that; return the new ones."""
        staying = []
        for role, processes in running.items():
            for old in processes:
                staying.append(new := await self.start(self.new, role))
                if role == "api":
                    await balancer.take_in(_url_of(new))
                    # Both answer for a while: callers meet one after the other.
                    await pause(self.pace.step)
                    await balancer.take_out(entry)
                await self.end(old)
                await pause(self.pace.step)
        return staying

    async def end(self, process: Process) -> None:
        """Ask a process to end, as service managers do."""
        if not process.is_alive:
            self.faults.append(f"{process.name} had ended by itself")
        elif status := await process.stop():
            self.faults.append(f"{process.name}, asked to end, did so with status {status}")

    async def settle(self, staying: list[Process]) -> None:
        """Wait until all that is due has come to its end; then balance the books, and stop."""

        last = max(expected.send_at for expected in self.expected)

        async def look() -> bool:
            is_past = clock.now() > last
            return is_past and await self.witness.count_to_come(len(self.expected)) == 0

        try:
            await wait_until(look, _SETTLES_WITHIN, "an end of what is due", every=0.2)
        except TimeoutError as late:
            self.faults.append(str(late))
        await self.expect(self.new, 0, "reconcile")
        for process in staying:
            await self.end(process)

    async def result(self, balancer: Balancer) -> Result:
        """Hold all that was to come against what did."""
        people, rows = await self.witness.map_people(), await self.witness.list_rows()
        requests = read_log(self.folder / "provider.jsonl")
        findings = check(self.expected, people, rows, requests, honours_keys=True)
        return Result(self.release.name, findings, balancer.errors, self.faults, self.notes)


def _url_of(process: Process) -> str:
    """Return where an API listens: a line of its log says it."""
    for line in process.log.read_text("utf-8").splitlines():
        if '"started"' in line:
            return f"http://127.0.0.1:{json.loads(line)['port']}"
    raise AssertionError(f"{process.name} did not start; see {process.log}")


@contextlib.asynccontextmanager
async def open_drill(folder: Path, pace: Pace, seed: int) -> AsyncIterator[Drill]:
    """Lend a drill with all that it stands on. Raises NoHistory."""
    release = lay_out(folder / "previous")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(open_server(folder / "server"))
        connection = await asyncpg.connect(server.url)
        await connection.execute(f"CREATE DATABASE {_DATABASE}")
        await connection.close()
        url = urlunsplit(urlsplit(server.url)._replace(path=f"/{_DATABASE}"))
        provider = await stack.enter_async_context(
            open_provider(folder / "provider.jsonl", Behaviour(), honours_keys=True, seed=seed)
        )
        # In the middle of what is to come, wherever a clock shows it then.
        crowd_at = clock.now() + timedelta(seconds=20 + 5 * pace.step)
        settings = {
            **SETTINGS,
            "DATABASE_URL": url,
            "EMAIL_SERVICE_URL": provider,
            "HEYDAY_PROVIDER_HONOURS_KEYS": "true",
            "HEYDAY_ANNIVERSARY_SEND_TIME": f"{crowd_at:%H:%M:%S}",
        }
        old = await stack.enter_async_context(open_nursery({"PYTHONPATH": str(release.source)}))
        new = await stack.enter_async_context(open_nursery())
        witness = await stack.enter_async_context(open_witness(url))
        maker = Maker(Atlas(), random.Random(seed), "drill")  # noqa: S311 - no secret
        yield Drill(folder, settings, pace, release, old, new, witness, maker)


async def drill(folder: Path, pace: Pace, seed: int = 1) -> Result:
    """Go through the drill; return what came of it. Raises NoHistory."""
    async with open_drill(folder, pace, seed) as opened:
        return await opened.run()


def show(result: Result) -> None:
    """Print the figures."""
    sys.stdout.write(f"From {result.previous} to this checkout\n")
    figures = {"greetings": result.findings.messages, **result.notes}
    for name, figure in [*figures.items(), *result.counts.items()]:
        sys.stdout.write(f"{name:<24} {figure}\n")
    for fault in [*result.errors[:10], *result.faults]:
        sys.stdout.write(f"! {fault}\n")


def main() -> int:
    """Run, show, and say by the exit status whether anybody noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills.upgrade", description=__doc__)
    parser.add_argument("--short", action="store_true", help="what `make test` runs: a minute")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="heyday-upgrade-"))
    folder.chmod(0o711)  # PostgreSQL may run as another account
    os.chdir(folder)  # no .env is there
    try:
        result = asyncio.run(drill(folder, SHORT if options.short else LONG))
    except NoHistory as reason:
        sys.stdout.write(f"{reason}\n")
        return 2
    show(result)
    if result.is_good:
        shutil.rmtree(folder)
        return 0
    sys.stdout.write(f"What shows it is in {folder}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
