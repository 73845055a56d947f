"""Live through an outage as an operator would, by the runbook: `make drill-outage`.

The provider is down for half an hour, then RabbitMQ is wiped, then PostgreSQL restarted, while
people are greeted all the time. Everything is real: processes, servers, Prometheus with the rules
of deploy/prometheus, and the commands of docs/runbook.md. In the end each greeting was sent once,
and alerts have fired and cleared as that page says. It takes some 75 minutes, as the alert on
lateness looks back for 30 after the last fault.

--short has an outage of minutes, and rules whose durations are shorter: which alerts fire is held
to the page, and when is not. What happened, and when, is in .artefacts/drill-outage.json.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from tests.chaos import clock
from tests.chaos.checker import check
from tests.chaos.processes import ROOT
from tests.chaos.provider import read_log
from tests.chaos.runner import log_to
from tests.chaos.waiting import pause, wait_until
from tests.drills import prometheus, runbook
from tests.drills.outage_record import publish
from tests.drills.outage_review import LONGEST_WAIT, Point, review_alerts, review_commands
from tests.drills.outage_world import SetupFailed, World, open_world
from tests.drills.prometheus import Alerts, open_prometheus, write_configuration
from tests.drills.runbook import Chapter, NotInRunbook, read_chapter
from tests.drills.timeline import Ran, Stage, Timeline
from tests.provider import Act, always
from tests.rabbitmq import is_installed

RESULTS = ROOT / ".artefacts"
_CATCHES_UP_WITHIN = 180.0
# Of the scheduler that queues, and some seconds.
_A_MINUTE = 75.0
_BETWEEN_FAULTS = 5.0
# PostgreSQL, as for a minor release.
_AWAY_FOR = 10.0
_RUNBOOK = (*runbook.FAULTS, runbook.AFTERWARDS)


@dataclass(frozen=True, slots=True)
class Pace:
    """Say how long what lasts, in seconds.

    outage: of the provider.   faster: by how much the rules are.   calm: before the first fault.
    rest: after RabbitMQ was wiped, until a sweep has queued again what was lost with it.
    greets_for: from the first greeting to the last.   clears_within: how long the last alerts are
    waited for, after the last greeting.   a_second: greetings; two workers have those of 64 seconds
    in hand, which no wiping takes, so nearly each second is to have some.
    """

    outage: float
    faster: float
    calm: float
    rest: float
    greets_for: float
    clears_within: float
    a_second: float
    settings: Mapping[str, str] = field(default_factory=dict)


FULL = Pace(1800, 1, calm=60, rest=90, greets_for=3720, clears_within=900, a_second=3)
# What Heyday itself waits for is shorter as well, where a setting says how long that is; and so
# far is queued ahead that batches wait in RabbitMQ at any time.
_SOON = {"HEYDAY_LOST_AFTER": "10s", "HEYDAY_SWEEP_EVERY": "5s", "HEYDAY_LOOK_AHEAD": "3m"}
SHORT = Pace(
    *(170, 30), calm=10, rest=5, greets_for=400, clears_within=120, a_second=3, settings=_SOON
)


@dataclass
class Drill:
    """Bring the faults about, one after another, and do what the runbook says."""

    world: World
    timeline: Timeline
    alerts: Alerts
    pace: Pace
    chapters: Mapping[str, Chapter]
    problems: list[str] = field(default_factory=list)
    lost_batches: int = 0

    async def run(self) -> None:
        """Live through it all."""
        await self._until_begun()
        await pause(self.pace.calm)
        await self._lose_provider()
        await self._wipe_broker()
        await self._restart_database()
        await self._until_quiet()
        await self._do(runbook.AFTERWARDS, "")

    async def _until_begun(self) -> None:
        left = self.world.crowd.begins_at - clock.now()
        await pause(max(left.total_seconds(), 0))
        self.timeline.note(f"greetings leave, {self.pace.a_second:g} a second")

    async def _lose_provider(self) -> None:
        """Have it answer 503 for so long."""
        began = clock.now()
        stage = self.timeline.begin(runbook.PROVIDER)
        self.world.provider.behave = always(Act.UNAVAILABLE)
        await pause(self.pace.outage / 2)
        await self._do(stage.title, runbook.WHILE)
        await pause(stage.began_at + self.pace.outage - self.timeline.now)
        self.world.provider.behave = always(Act.OK)
        await self._recover(stage, began)

    async def _wipe_broker(self) -> None:
        """Have RabbitMQ begin with nothing, at a moment at which batches wait in it."""
        self.lost_batches = await self._wait(self.world.count_batches, _A_MINUTE, "waiting batches")
        began = clock.now()
        stage = self.timeline.begin(runbook.BROKER)
        await asyncio.to_thread(self.world.broker.wipe)
        await self._recover(stage, began)
        await pause(self.pace.rest)

    async def _restart_database(self) -> None:
        began = clock.now()
        stage = self.timeline.begin(runbook.DATABASE)
        await self.world.server.stop()
        await pause(_AWAY_FOR)
        await self.world.server.start()
        await self._recover(stage, began)

    async def _recover(self, stage: Stage, began: datetime) -> None:
        """Do what the page says, and wait until what was held up has left."""
        self.timeline.come_back(stage)
        stage.due = await self.world.count_due(began, clock.now())
        await self._do(stage.title, runbook.ONCE)

        async def look() -> bool:
            return await self.world.count_waiting() == 0

        await self._wait(look, _CATCHES_UP_WITHIN, f"{stage.title}: what was held up")
        self.timeline.note("nothing that is due waits")
        await pause(_BETWEEN_FAULTS)

    async def _until_quiet(self) -> None:
        """Wait for the last greeting, and for the alerts that are to clear."""
        crowd = self.world.crowd
        self.timeline.note("waiting for the last greeting, and for alerts to clear")
        left = crowd.begins_at + crowd.lasts - clock.now()
        await pause(max(left.total_seconds(), 0))

        async def look() -> bool:
            return await self.world.witness.count_to_come(len(crowd.people)) == 0

        await self._wait(look, _CATCHES_UP_WITHIN, "the last greeting")
        lasting = {
            expected.alert
            for chapter in self.chapters.values()
            for expected in chapter.alerts
            if expected.clears_within > LONGEST_WAIT
        }

        async def is_quiet() -> bool:
            return self.alerts.firing <= lasting

        await self._wait(is_quiet, self.pace.clears_within, "an end of alerts")

    async def _wait(self, look: Callable[[], Awaitable[int]], seconds: float, what: str) -> int:
        """Return what is found once there is something; 0, which is a problem, if too late."""
        try:
            return await wait_until(look, seconds, what, every=0.5)
        except TimeoutError as late:
            self.problems.append(str(late))
            self.timeline.note(str(late))
            return 0

    async def _do(self, title: str, heading: str) -> None:
        """Run the commands of the page that stand under a heading of a chapter."""
        for line in self.chapters[title].commands.get(heading, []):
            status = await self.world.run_line(line)
            self.timeline.note_command(Ran(title, heading, line, status, self.timeline.now))


async def review(drill: Drill) -> list[Point]:
    """Return all that was to be, and what is wrong with it."""
    timeline, is_timed = drill.timeline, drill.pace.faster == 1
    return [
        *review_alerts(
            timeline.stages, drill.chapters, timeline.firings, timeline.now, is_timed=is_timed
        ),
        *review_commands(drill.chapters, timeline.stages, timeline.commands),
        Point(
            f"{runbook.BROKER}: batches are lost with it ({drill.lost_batches})",
            [] if drill.lost_batches else ["none was in it"],
        ),
        Point("nothing took too long", drill.problems),
        *await _review_greetings(drill.world),
        Point("every process lives, and ends when asked to", await _end_all(drill.world)),
        Point("each line of their logs is an event", _find_unreadable(drill.world)),
    ]


async def _review_greetings(world: World) -> list[Point]:
    """Hold the provider's own record against who was to be greeted, and against the books."""
    expected = world.crowd.expect(await world.witness.map_people())
    rows, people = await world.witness.list_rows(), await world.witness.map_people()
    requests = list(read_log(world.provider_log))
    found = check(expected, people, rows, requests, honours_keys=True)
    broken = [f"{name}: {len(keys)}, as {keys[0]}" for name, keys in found.broken.items()]
    name = f"{len(expected)} greetings are sent once, by the provider's own record"
    sent = sum(row.status == "SENT" for row in rows)
    status, text = await world.nursery.run(
        "reconcile", "reconcile", "--json", settings=world.settings, folder=world.folder
    )
    books = json.loads(text) if status == 0 else {}
    faults = [] if status == 0 else [f"heyday reconcile ended with status {status}: {text[-400:]}"]
    if (sent, books.get("sent"), books.get("due")) != (len(expected),) * 3:
        faults.append(f"{sent} rows are SENT, of {len(expected)}; the books say {books}")
    return [Point(name, broken), Point("the books say so as well", faults)]


async def _end_all(world: World) -> list[str]:
    faults = [f"{p.name} had ended, see {p.log}" for p in world.processes if not p.is_alive]
    for process in (p for p in world.processes if p.is_alive):
        with contextlib.suppress(TimeoutError):
            if (status := await process.stop()) == 0:
                continue
            faults.append(f"{process.name} ended with status {status}")
            continue
        faults.append(f"{process.name} did not end")
    return faults


def _find_unreadable(world: World) -> list[str]:
    """Return the first line of each log that is none of Heyday's own: what a library wrote."""
    faults = []
    for process in world.processes:
        lines = process.log.read_text("utf-8").splitlines()
        if odd := next((line for line in lines if not line.startswith("{")), None):
            faults.append(f"{process.log.name}: {odd}")
    return faults


def parse() -> argparse.Namespace:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.drills.outage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--short", action="store_true", help="some eight minutes in all")
    form.add_argument("--publish", action="store_true", help="write what it saw into docs/")
    return parser.parse_args()


async def run(pace: Pace, chapters: Mapping[str, Chapter], folder: Path) -> Sequence[Point]:
    """Set all up, live through it, and return what was found."""
    if me := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    timeline = Timeline(result_of(pace), partial(print, flush=True))
    timeline.note("starting PostgreSQL, RabbitMQ, a provider, Heyday and Prometheus")
    count = round(pace.greets_for * pace.a_second)
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(
            open_world(folder, count, timedelta(seconds=pace.greets_for), pace.settings)
        )
        file = write_configuration(folder / "prometheus", world.ports, pace.faster)
        url = await stack.enter_async_context(open_prometheus(file))
        alerts = Alerts(url, timeline.note_alert)
        drill = Drill(world, timeline, alerts, pace, chapters)
        watching = asyncio.create_task(alerts.run())
        stack.callback(watching.cancel)
        await drill.run()
        await alerts.run_once()
        watching.cancel()
        points = await review(drill)
    timeline.write(points={point.name: list(point.faults) for point in points})
    return points


def result_of(pace: Pace) -> Path:
    """Return where the timeline is written."""
    return RESULTS / f"drill-outage{'-short' if pace is SHORT else ''}.json"


def show(points: Sequence[Point], result: Path, say: Callable[[str], None] = print) -> int:
    """Print each point; return how many failed."""
    say("")
    for point in points:
        say(f"{'FAILED' if point.faults else 'ok':8}{point.name}")
        for fault in point.faults[:10]:
            say(f"        {fault}")
    failed = sum(bool(point.faults) for point in points)
    say(f"\n{len(points)} points, {failed} failed. The timeline is in {result.relative_to(ROOT)}")
    return failed


def main() -> int:
    """Run the drill, and say by the exit status whether all was as the runbook has it."""
    options = parse()
    pace = SHORT if options.short else FULL
    for is_there, what, how in (
        (prometheus.is_installed(), "Prometheus", "prometheus"),
        (is_installed(), "RabbitMQ", "rabbitmq-server"),
    ):
        if not is_there:
            print(f"{what} is not installed: apt install {how}", file=sys.stderr)  # noqa: T201
            return 2
    folder = Path(tempfile.mkdtemp(prefix="heyday-outage-"))
    folder.chmod(0o711)  # PostgreSQL may run as another account
    try:
        chapters = {title: read_chapter(title) for title in _RUNBOOK}
        os.chdir(folder)  # no .env is there
        log_to(folder / "runner.log")
        failed = show(asyncio.run(run(pace, chapters, folder)), result_of(pace))
    except (NotInRunbook, SetupFailed) as fault:
        print(f"FAILED  {fault}", file=sys.stderr)  # noqa: T201
        failed = 1
    if failed:
        print(f"What shows it is in {folder}", file=sys.stderr)  # noqa: T201
        return 1
    if options.publish:
        publish(result_of(pace))
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
