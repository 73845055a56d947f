"""Restore the database behind what was sent, and count: `python -m tests.drills.restore`.

Processes, PostgreSQL and the files are real; the commands are those of docs/backup.md, run as they
stand there. The provider takes every letter it is given, and keeps no keys. The time that is lost
is a minute or two, or as long as `--minutes` says: an hour of it takes an hour.
"""

import argparse
import asyncio
import contextlib
import csv
import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from heyday.db.embedded.accounts import give
from heyday.db.embedded.binaries import find_binaries
from tests.chaos import clock
from tests.chaos.processes import ROOT, Nursery, Process, open_nursery
from tests.chaos.provider import Behaviour, Request, open_provider, read_log
from tests.chaos.server import Server, open_server
from tests.chaos.waiting import pause, wait_until
from tests.docs.pages import page

PAGE = "docs/backup.md"
_SECTION = re.compile(r"^(?:## |\*\*)(?=[A-Z0-9])", re.MULTILINE)
_BLOCK = re.compile(r"^```(?:sh|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_QUIET = 5.0
_PATIENCE = 600.0


class Variant(StrEnum):
    """Name the ways in which it comes about.

    PITR: base backup and log, to a moment.   DUMP: a dump, into another database.   CRASH: as PITR,
    while workers die in the middle of what they send.
    """

    PITR = "pitr"
    DUMP = "dump"
    CRASH = "crash"


class TooSlow(Exception):
    """Say that greetings fell due before the moment to restore to was there."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold what came of a drill.

    forgotten: letters that left after the moment that was restored.   doubtful: those of which the
    ledger could not say whether they had.
    """

    variant: Variant
    sent: int
    forgotten: int
    doubtful: int
    resent: int
    lost: int
    problems: list[str]

    @property
    def is_well(self) -> bool:
        """Tell whether it went as it should: a letter that is in doubt may leave twice."""
        return self.resent <= self.doubtful and not self.lost and not self.problems


@dataclass
class Drill:
    """Hold the parts of one drill.

    greetings: how many are to leave and be forgotten.   lead: seconds until they do.
    """

    variant: Variant
    greetings: int
    lead: float
    folder: Path
    server: Server
    nursery: Nursery
    provider_log: Path
    settings: dict[str, str]
    target: str = ""
    problems: list[str] = field(default_factory=list)
    running: list[Process] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    async def run(self) -> Figures:
        """Live through all of it."""
        await self._heyday("db", "migrate")
        if self.variant is not Variant.DUMP:
            await self._step("Your own server, to any moment")
        known = await self._send_what_is_kept()
        await self._send_what_is_forgotten(known)
        await self._restore()
        await self._find_it_paused()
        # Not before: a busy provider notes the last calls of killed workers after their death.
        before = len(self._requests())
        doubtful = await self._walk_through()
        await self._start(HEYDAY_LATE_JOIN="false")
        expected = self.greetings + 2 * self._some + self._strangers
        await self._until_accepted(expected, is_by_person=True)
        await self._settle()
        return self._count(known, before, doubtful)

    @property
    def _patience(self) -> float:
        return _PATIENCE + self.lead

    @property
    def _some(self) -> int:
        return max(self.greetings // 10, 10)

    @property
    def _strangers(self) -> int:
        return max(self.greetings // 20, 5)

    async def _send_what_is_kept(self) -> int:
        """Send the first letters, which the backup knows, and prepare the others."""
        noon = _zone_of_noon()
        leave_at = clock.now() + timedelta(seconds=self.lead)
        self.settings |= {
            "HEYDAY_BIRTHDAY_SEND_TIME": _shown(leave_at, noon),
            "HEYDAY_ANNIVERSARY_SEND_TIME": _shown(leave_at + timedelta(minutes=2), noon),
        }
        today = (leave_at + timedelta(hours=noon)).date().replace(year=1988).isoformat()
        # Two hours east the birthdays' time is past: these leave at once.
        await self._import("kept", self._some, noon + 2, birthday_date=today)
        await self._import("lost", self.greetings, noon, birthday_date=today)
        await self._import("later", self._some, noon, anniversary_date=today)
        await self._start()
        await self._until_accepted(self._some)
        await self._until_recorded(self._some)
        if self.variant is Variant.DUMP:
            await self._step("Your own server, as of each dump")
        self.target = await self._value("SELECT clock_timestamp()::text")
        if clock.now() >= leave_at:
            raise TooSlow
        self._today, self._noon = today, noon
        return len(self._requests())

    async def _send_what_is_forgotten(self, known: int) -> None:
        """Send those that the backup does not know, some of them to people it does not know."""
        await pause(1.1)
        await self._import("new", self._strangers, self._noon + 2, birthday_date=self._today)
        wanted = known + self._strangers + self.greetings
        if self.variant is Variant.CRASH:
            await self._until_requested(known + self._strangers + self.greetings // 2)
        else:
            await self._until_accepted(wanted)
            await self._until_recorded(wanted)
        await asyncio.gather(*(process.kill() for process in self.running))
        self.running.clear()

    async def _restore(self) -> None:
        if self.variant is Variant.DUMP:
            await self._step("From a dump")
            self.settings["DATABASE_URL"] = self.server.url.rpartition("/")[0] + "/heyday_restored"
            return
        await self.server.stop()
        await self._step("To any moment")
        _give_all(self.server)
        await self.server.start()

        async def is_writable() -> bool:
            return not await self._value("SELECT pg_is_in_recovery()")

        await wait_until(is_writable, _PATIENCE, "the end of the recovery")

    async def _find_it_paused(self) -> None:
        """Start Heyday as if nothing had happened: it has to find out, and send nothing."""
        began_at = clock.now()
        await self._start()
        for process in self.running:

            async def look(process: Process = process) -> bool:
                return process.said('"held"')

            await wait_until(look, _PATIENCE, f"{process.name} to be held")
        await pause(_QUIET)
        if sent := sum(request.received_at >= began_at for request in self._requests()):
            self.problems.append(f"{sent} letters left while everything was held")
        await asyncio.gather(*(process.stop() for process in self.running))
        self.running.clear()

    async def _walk_through(self) -> int:
        """Do what the page says; return how many greetings the ledger was in doubt of."""
        await self._step("Go on")
        shown = json.loads(await self._heyday("sends", "show", "--json"))
        await self._step("1. Look")
        await self._step("2. Replay")
        again = json.loads(await self._heyday("sends", "replay", "--json"))
        if any(again.values()):
            self.problems.append(f"a second replay changed something: {again}")
        if shown["strangers"] != self._strangers:
            self.problems.append(f"{shown['strangers']} strangers, not {self._strangers}")
        people = self.folder / "new.csv"
        await self._heyday("users", "import", str(people), HEYDAY_LATE_JOIN="false")
        await self._step("4. Resume")
        return int(shown["doubtful"])

    async def _settle(self) -> None:
        """See that nothing more comes, and that the books balance."""

        async def is_over() -> bool:
            return not await self._value(
                "SELECT count(*) FROM message_logs WHERE scheduled_send_time < now() AND status IN "
                "('SCHEDULED', 'QUEUED', 'SENDING', 'RETRYING')"
            )

        await wait_until(is_over, _PATIENCE, "an end of what is due")
        await self._step("4. Resume", 1)
        await asyncio.gather(*(process.stop() for process in self.running))

    def _count(self, known: int, before: int, doubtful: int) -> Figures:
        letters = Counter(_person(request) for request in self._requests() if request.accepted)
        names = {"kept": self._some, "lost": self.greetings, "later": self._some}
        names["new"] = self._strangers
        expected = {f"{name}.{n}@example.com" for name, many in names.items() for n in range(many)}
        return Figures(
            self.variant,
            sent=len(self._requests()),
            forgotten=before - known,
            doubtful=doubtful,
            resent=sum(letters.values()) - len(letters),
            lost=len(expected - set(letters)),
            problems=self.problems,
        )

    def _requests(self) -> list[Request]:
        return list(read_log(self.provider_log)) if self.provider_log.exists() else []

    async def _until_requested(self, letters: int) -> None:
        async def look() -> bool:
            return len(self._requests()) >= letters

        await wait_until(look, self._patience, f"{letters} letters", every=0.2)

    async def _until_accepted(self, letters: int, *, is_by_person: bool = False) -> None:
        async def look() -> bool:
            found = self._requests()
            return len({_person(r) for r in found} if is_by_person else found) >= letters

        await wait_until(look, self._patience, f"{letters} letters", every=0.5)

    async def _until_recorded(self, letters: int) -> None:
        async def look() -> bool:
            sent = "SELECT count(*) FROM message_logs WHERE status = 'SENT'"
            return int(await self._value(sent)) >= letters

        await wait_until(look, _PATIENCE, f"{letters} records", every=0.2)

    async def _start(self, **settings: str) -> None:
        """Start schedulers and workers, two of each."""
        for role in ("scheduler", "worker", "worker"):
            given = {**self.settings, **settings}
            name = f"{role}-{next(self._numbers)}"
            process = await self.nursery.start(name, role, settings=given, folder=self.folder)
            self.running.append(process)
        for process in self.running:
            await process.until_started()

    async def _import(self, name: str, many: int, zone: int, **columns: str) -> None:
        path = self.folder / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("first_name", "last_name", "email", "timezone", *columns))
            for n in range(many):
                person = ("Ada", f"{name} {n}", f"{name}.{n}@example.com", f"Etc/GMT{-zone:+d}")
                rows.writerow((*person, *columns.values()))
        await self._heyday("users", "import", str(path))

    async def _heyday(self, *words: str, **settings: str) -> str:
        return await self._shell(f".venv/bin/heyday {' '.join(words)}", **settings)

    async def _step(self, section: str, number: int = 0) -> None:
        """Run a block of the page as it stands there."""
        await self._shell(block(section, number))

    async def _shell(self, script: str, **settings: str) -> str:
        here = os.environ  # noqa: TID251 - passed on, not read
        environment = {
            **{name: here[name] for name in ("HOME", "LANG", "TMPDIR") if name in here},
            **self.settings,
            **settings,
            "PATH": f"{find_binaries()}:{here.get('PATH', '/usr/bin:/bin')}",
            "BACKUP": str(self.folder / "backup"),
            "PGDATA": str(self.server.data),
            "TARGET": self.target,
        }
        process = await asyncio.create_subprocess_exec(
            *("/bin/bash", "-euo", "pipefail", "-c", script),
            cwd=self.folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"{script.strip()}\nended with {process.returncode}: {err.decode()}")
        return out.decode()

    async def _value(self, query: str) -> Any:
        connection = await asyncpg.connect(self.settings["DATABASE_URL"])
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()


def block(section: str, number: int = 0) -> str:
    """Return a block of commands of the page, of those in parts that begin so."""
    parts = (part for part in _SECTION.split(page(PAGE).text) if part.startswith(section))
    return [str(found) for part in parts for found in _BLOCK.findall(part)][number]


def _person(request: Request) -> str:
    return request.email


def _zone_of_noon() -> int:
    """Return by how many hours a zone is ahead of UTC where it is about noon."""
    return 12 - clock.now().hour


def _shown(at: datetime, zone: int) -> str:
    """Return what clocks show there."""
    return (at + timedelta(hours=zone)).strftime("%H:%M:%S")


def _give_all(server: Server) -> None:
    """Have the server own its data, where it runs as another than we do."""
    for path in (server.data, *server.data.rglob("*")):
        give(path, server.account)


@contextlib.asynccontextmanager
async def open_drill(
    variant: Variant, greetings: int, lead: float, folder: Path
) -> AsyncIterator[Drill]:
    """Lend a drill in a folder."""
    wal = folder / "backup" / "wal"
    wal.mkdir(parents=True)
    # Slow enough for a worker to be killed in the middle.
    slow, calls = (0.2, "8") if variant is Variant.CRASH else (0.01, "64")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    folder.chmod(0o755)
    archiving = {"archive_mode": "on", "archive_command": f"test ! -f {wal}/%f && cp %p {wal}/%f"}
    log = folder / "provider.log"
    async with (
        open_server(folder, settings=archiving) as server,
        open_nursery() as nursery,
        open_provider(log, Behaviour(latency=slow), honours_keys=False, seed=1) as provider,
    ):
        give(wal, server.account)
        settings: Mapping[str, str] = {
            "DATABASE_URL": server.url,
            "EMAIL_SERVICE_URL": provider,
            "HEYDAY_PROVIDER_HONOURS_KEYS": "false",
            "HEYDAY_SENDS": str(folder / "sends"),
            "HEYDAY_CONCURRENCY": calls,
            "HEYDAY_CALL_TIMEOUT": "2s",
            "HEYDAY_LEASE": "10s",
            "HEYDAY_SWEEP_EVERY": "2s",
            "HEYDAY_LOG_FORMAT": "json",
        }
        parts = (folder, server, nursery, log, dict(settings))
        yield Drill(variant, greetings, lead, *parts)


async def drill(variant: Variant, greetings: int, lost: timedelta = timedelta()) -> Figures:
    """Return what came of a drill. Its folder is left where that is not as it should be.

    lost: the least time from the moment that is restored to the letters which that forgets.
    """
    for spare in (40, 80, 160):
        home = Path(tempfile.mkdtemp(prefix="heyday-drill-"))
        lead = lost.total_seconds() + spare + greetings / 150
        try:
            async with open_drill(variant, greetings, lead, home) as each:
                found = await each.run()
        except TooSlow:
            shutil.rmtree(home)
            continue
        if found.is_well:
            shutil.rmtree(home)
        else:
            found.problems.append(f"what was left is in {home}")
        return found
    raise TooSlow


async def main(variants: Sequence[Variant], greetings: int, lost: timedelta) -> int:
    """Run drills, and tell their figures; return 1 if one of them is off."""
    is_well = True
    for variant in variants:
        found = await drill(variant, greetings, lost)
        _tell(
            f"{variant}: {found.sent} letters, {found.forgotten} of them forgotten by the database "
            f"({found.doubtful} in doubt); resent {found.resent}, lost {found.lost}"
        )
        for problem in found.problems:
            _tell(f"  {problem}")
        is_well &= found.is_well
    return 0 if is_well else 1


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--greetings", type=int, default=10_000)
    parser.add_argument("--minutes", type=int, default=0, help="that are lost, at least")
    parser.add_argument("--only", choices=list(Variant), type=Variant, action="append")
    given = parser.parse_args()
    lost = timedelta(minutes=given.minutes)
    sys.exit(asyncio.run(main(given.only or list(Variant), given.greetings, lost)))
