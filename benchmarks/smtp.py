"""Greet many people by SMTP through a server that breaks connections: `python -m benchmarks.smtp`.

Heyday's own processes, a durable PostgreSQL and the mail server of the tests, all on this machine.
In a share of the letters' dialogues, and of the connections' beginnings, the server breaks the
connection at a random point. Shown are the rate, that nobody was forgotten, that nobody had more
letters than there were ambiguous attempts for them, and that two parsers find each letter whole.
"""

import argparse
import ast
import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from benchmarks.ground import Ground, Place, open_ground
from benchmarks.instant import new_folder
from benchmarks.lateness import share
from benchmarks.processes import HEYDAY, Program, cpu_seconds, running, started
from benchmarks.stub import read_log
from tests import mail
from tests.chaos import clock
from tests.chaos.waiting import pause
from tests.mime_parser import can_parse_otherwise, parse_otherwise, parse_strictly

WORKERS = 2
_STARTS = timedelta(seconds=30)
_PLANS_A_SECOND = 12_000
_LOOK_EVERY = 0.5
_STALLED = 120.0
_PARSED_AT_ONCE = 5000
_END = timedelta(seconds=1)
_FIELDS = Counter(
    (
        *("from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version"),
        *("content-language", "list-unsubscribe", "list-unsubscribe-post", "content-type"),
    )
)
_PARTS = ["text/plain", "text/html"]
_ROWS = """
SELECT idempotency_key, status, ambiguous_count FROM message_logs
WHERE scheduled_send_time >= $1 AND scheduled_send_time < $2
"""
_LIVE = """
SELECT count(*) FROM message_logs
WHERE scheduled_send_time >= $1 AND scheduled_send_time < $2
  AND status IN ('SCHEDULED', 'QUEUED', 'SENDING', 'RETRYING')
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold what one run found.

    lost: greetings that the server never took and that are not told of as UNKNOWN.   beyond:
    letters more than one for a greeting and one for each of its ambiguous attempts.   extra:
    letters more than one for a greeting.   p99: seconds within which 99 of 100 had their letter.
    """

    planned: int
    statuses: Mapping[str, int]
    drops: Mapping[str, int]
    lost: int
    beyond: int
    extra: int
    ambiguous: int
    seconds: float
    p99: float
    recorded: float
    early: int
    cpu: Mapping[str, float]
    parsed: int

    @property
    def rate(self) -> float:
        """Return greetings a second, from the instant until the last had its first letter."""
        return self.planned / self.seconds

    @property
    def is_right(self) -> bool:
        """Tell whether all promises were kept."""
        return not (self.lost or self.beyond or self.early or self.extra > self.ambiguous)


async def measure(people: int, drop: float, seed: int, folder: Path) -> Figures:
    """Greet once."""
    log, letters = folder / "log", folder / "letters"
    words = ("--log", str(log), "--letters", str(letters), "--drop", str(drop))
    command = (sys.executable, "-m", mail.__name__, *words, "--seed", str(seed))
    async with (
        open_ground(folder / "ground") as ground,
        running("mail", command, {}, folder) as server,
    ):
        port = int((await server.until_said("\n")).strip())
        place = Place.at_noon(clock.now())
        settings = _settings(ground, port)
        await ground.bring(people, place)
        wait = _STARTS + timedelta(seconds=people / _PLANS_A_SECOND)
        at = (clock.now() + wait).replace(microsecond=0)
        settings["HEYDAY_BIRTHDAY_SEND_TIME"] = place.time_of_day(at)
        if (planned := await ground.plan(settings)) != people:
            raise RuntimeError(f"{planned:,} greetings were planned, not {people:,}")
        await ground.settle()
        kinds = [("scheduler", HEYDAY, 1), ("worker", HEYDAY, WORKERS)]
        async with started(kinds, settings, folder) as programs:
            if clock.now() >= at:
                raise TimeoutError("all was ready too late")
            recorded_at = await _until_recorded(ground, at)
            cpu = _cpu(ground, server, programs)
        await server.stop()
        drops = ast.literal_eval(server.said().splitlines()[-1])
        recorded = (recorded_at - at).total_seconds()
        return await _judge(ground, at, log, letters, drops, recorded, cpu)


def _settings(ground: Ground, port: int) -> dict[str, str]:
    return {
        "DATABASE_URL": ground.url,
        "SENDER": "smtp",
        "HEYDAY_SMTP_URL": f"smtp://127.0.0.1:{port}",
        "HEYDAY_MAIL_FROM": "Acme <greetings@example.com>",
        "HEYDAY_PUBLIC_URL": "https://hey.example.com",
        "HEYDAY_LOG_FORMAT": "json",
        "HEYDAY_ANNIVERSARY_SEND_TIME": "12:00:00",
    }


def _cpu(ground: Ground, server: Program, programs: Sequence[Program]) -> dict[str, float]:
    return {
        "Heyday": cpu_seconds(program.pid for program in programs),
        "PostgreSQL": cpu_seconds([ground.server_pid]),
        "mail server": cpu_seconds([server.pid]),
    }


async def _until_recorded(ground: Ground, at: datetime) -> datetime:
    """Return when all came to their end, or when nothing had changed for long."""
    await pause((at - clock.now()).total_seconds())
    before, changed_at = -1, clock.now()
    while ((now := clock.now()) - changed_at).total_seconds() < _STALLED:
        live = await ground.connection.fetchval(_LIVE, at, at + _END)
        if not live:
            break
        if live != before:
            before, changed_at = live, now
        await pause(_LOOK_EVERY)
    return now


async def _judge(  # noqa: PLR0913, PLR0917 - one parameter for each thing that is judged
    ground: Ground,
    at: datetime,
    log: Path,
    letters: Path,
    drops: Mapping[str, int],
    recorded: float,
    cpu: Mapping[str, float],
) -> Figures:
    """Hold what the server took against the rows."""
    rows = {
        row["idempotency_key"]: row for row in await ground.connection.fetch(_ROWS, at, at + _END)
    }
    first: dict[str, float] = {}
    received: Counter[str] = Counter()
    for received_at, key in read_log(log):
        received[key] += 1
        first.setdefault(key, received_at - at.timestamp())
    late = sorted(first.values())
    unknown = {key for key, row in rows.items() if row["status"] == "UNKNOWN"}
    allowed = {key: 1 + row["ambiguous_count"] for key, row in rows.items()}
    return Figures(
        planned=len(rows),
        statuses=Counter(row["status"] for row in rows.values()),
        drops=drops,
        lost=len(rows.keys() - received.keys() - unknown),
        beyond=sum(max(count - allowed.get(key, 0), 0) for key, count in received.items()),
        extra=received.total() - len(received),
        ambiguous=sum(row["ambiguous_count"] for row in rows.values()),
        seconds=round(late[-1], 3),
        p99=round(share(late, 0.99), 3),
        recorded=round(recorded, 3),
        early=sum(value < 0 for value in late),
        cpu=cpu,
        parsed=_parse(letters),
    )


def _parse(letters: Path) -> int:
    """Parse every letter twice; return how many there were. Raises if one has a defect."""
    count, written = 0, mail.read_letters(letters)
    while some := list(islice(written, _PARSED_AT_ONCE)):
        found = [parse_strictly(letter) for letter in some]
        for parsed in found:
            if parsed.fields != _FIELDS or [kind for kind, _ in parsed.parts] != _PARTS:
                raise RuntimeError(f"a letter with other fields or parts: {sorted(parsed.fields)}")
        if can_parse_otherwise() and parse_otherwise(some) != found:
            raise RuntimeError("the two parsers find different letters")
        count += len(found)
    return count


def tell(figures: Figures) -> str:
    """Return the figures, for people."""
    second = "two parsers" if can_parse_otherwise() else "one parser (MIME-tools is not here)"
    cpu = ", ".join(f"{who} {seconds:.1f} s" for who, seconds in figures.cpu.items())
    return (
        f"{figures.planned:,} greetings: {figures.rate:,.0f}/s, all in {figures.seconds:.1f} s, "
        f"99 of 100 in {figures.p99:.1f} s, recorded in {figures.recorded:.1f} s\n"
        f"  breaks: {dict(figures.drops)}\n"
        f"  ended as: {dict(figures.statuses)}; early {figures.early}\n"
        f"  lost {figures.lost}; second letters {figures.extra}, ambiguous attempts "
        f"{figures.ambiguous}, letters beyond these {figures.beyond}\n"
        f"  {figures.parsed:,} letters parsed without a defect by {second}\n"
        f"  CPU: {cpu}\n  {'right' if figures.is_right else 'WRONG'}"
    )


def main() -> None:
    """Greet, and print. Exit status 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--drop", type=float, default=0.01, help="share of dialogues that break")
    parser.add_argument("--seed", type=int, default=8)
    options = parser.parse_args()
    with new_folder() as folder:
        figures = asyncio.run(measure(options.people, options.drop, options.seed, folder))
    print(tell(figures))
    sys.exit(not figures.is_right)


if __name__ == "__main__":
    main()
