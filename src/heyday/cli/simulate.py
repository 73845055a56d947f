"""Live through a span of days in seconds: `heyday simulate`."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from heyday.cli.running import print_json, with_settings
from heyday.domain.durations import parse_duration
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.simulation.scenario import Outage, Scenario

if TYPE_CHECKING:
    from heyday.bootstrap import App
    from heyday.settings import Settings
    from heyday.simulation.simulation import Report

T = TypeVar("T")

_MOST_USERS = 10_000_000
_SHOWN_BROKEN = 20
_DAYS_OF_A_MONTH = range(1, 32)


_First = Annotated[str, typer.Option("--from", metavar="DATE", help="The first local date.")]
_Last = Annotated[str, typer.Option("--to", metavar="DATE", help="The last one.")]
_Users = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=_MOST_USERS,
        metavar="N",
        help="Take N people as `heyday db seed` spreads them over days and zones.",
    ),
]
_Csv = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Take the people of a file, by the real import.")
]
_Outage = Annotated[
    str | None,
    typer.Option(
        metavar="START/DURATION",
        help="Let nothing run for a while: 2027-03-14T06:00:00Z/24h. The queue is lost, too.",
    ),
]
_KillPlanners = Annotated[
    bool, typer.Option("--kill-planners", help="Let planners die half way now and then.")
]
_TzdataBefore = Annotated[
    Path | None,
    typer.Option(metavar="PACKAGE", help="Start with the tz database of this tzdata wheel."),
]
_TzUpdate = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Start again with the current one on this day."),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")]


def simulate(  # noqa: PLR0913, PLR0917 - one parameter for each option
    first: _First,
    last: _Last,
    users: _Users = None,
    csv: _Csv = None,
    outage: _Outage = None,
    kill_planners: _KillPlanners = False,
    tzdata_before: _TzdataBefore = None,
    tz_update: _TzUpdate = None,
    as_json: _AsJson = False,
) -> None:
    """Show what leaves when: live through days, or years, in seconds.

    The real planner, schedulers, worker and recovery run by a clock that jumps from event to
    event, with the settings in force, in a database of their own that is dropped in the end.
    Nothing is sent. Without --users or --csv there is one person for every zone of the tz
    database and every birthday of the year. Exit status 1 if a promise was broken: a greeting
    early, late, on another date, not at nine, twice, missing, or not at an end.
    """
    if users and csv:
        raise InvalidInput([FieldProblem("--users", "cannot be given together with --csv")])
    scenario = Scenario(
        first_on=_date("--from", first),
        last_on=_date("--to", last),
        outage=_outage(outage) if outage else None,
        is_killing_planners=kill_planners,
        tzdata_before=tzdata_before,
        tz_update_on=_date("--tz-update", tz_update) if tz_update else None,
    )
    _run(scenario, users, csv, as_json=as_json)


def _run(scenario: Scenario, users: int | None, csv: Path | None, *, as_json: bool) -> None:
    """Simulate, print, and end with status 1 if a promise was broken."""
    began = time.perf_counter()
    report = with_settings(lambda settings: _simulate(settings, scenario, users, csv))
    seconds = time.perf_counter() - began
    if as_json:
        _print_json(scenario, report, seconds)
    else:
        _print(report, seconds)
    if report.broken_count:
        raise typer.Exit(1)


async def _simulate(
    settings: "Settings", scenario: Scenario, users: int | None, csv: Path | None
) -> "Report":
    from heyday.simulation.simulation import simulate_everyone, simulate_people

    if csv:
        return await simulate_people(settings, scenario, PeopleOfFile(csv))
    return await simulate_everyone(settings, scenario, users)


@dataclass(frozen=True, slots=True)
class PeopleOfFile:
    """Bring the people of a CSV file."""

    path: Path

    async def settle(self, app: "App", _at: datetime) -> None:
        """Import them; what is rejected is counted, and does not take part."""
        from heyday.cli.users import import_file

        with await asyncio.to_thread(tempfile.TemporaryDirectory) as folder:
            rejected_file = Path(folder) / "rejected.csv"
            console = Console(stderr=True)
            report = await import_file(app.imports.files, self.path, console, rejected_file)
        if report.rejected:
            typer.echo(
                f"{report.rejected:,} rows are no people that Heyday can greet, and take no part; "
                "`heyday users import` tells why.",
                err=True,
            )


def _date(option: str, given: str) -> date:
    return _read(option, given, date.fromisoformat, "a date such as 2027-01-14")


def _outage(given: str) -> Outage:
    start, _, length = given.rpartition("/")
    expected = "an instant and a duration such as 2027-03-14T06:00:00Z/24h"
    start_at = _read("--outage", start, datetime.fromisoformat, expected)
    duration = _read("--outage", length, parse_duration, expected)
    if start_at.tzinfo is None:
        raise InvalidInput([FieldProblem("--outage", f"{given!r} is not {expected}")])
    return Outage(start_at.astimezone(UTC), start_at.astimezone(UTC) + duration)


def _read(option: str, given: str, read: Callable[[str], T], expected: str) -> T:
    try:
        return read(given)
    except ValueError:
        raise InvalidInput([FieldProblem(option, f"{given!r} is not {expected}")]) from None


def _print_json(scenario: Scenario, report: "Report", seconds: float) -> None:
    print_json(
        {
            "from": scenario.first_on,
            "to": scenario.last_on,
            "people": report.people,
            "sent": report.sent,
            "skipped": report.skipped,
            "around": report.around,
            "attempts": report.attempts,
            "failed_jobs": report.failed_jobs,
            "earliest_s": report.earliest,
            "latest_s": report.latest,
            "tzdb": list(report.tzdb_versions),
            "seconds": round(seconds, 1),
            "broken": report.broken_count,
            "broken_promises": [broken._asdict() for broken in report.broken],
            "by_day": {str(on): count for on, count in sorted(report.sent_on.items())},
        }
    )


def _print(report: "Report", seconds: float) -> None:
    console = Console(highlight=False, markup=False)
    for year in sorted({on.year for on in report.sent_on}):
        console.print(_calendar(report, year))
    console.print(
        f"{report.people:,} people, {report.sent:,} greetings sent, {report.skipped:,} skipped; "
        f"tz database {', then '.join(report.tzdb_versions)}; {seconds:.1f} s."
    )
    if report.earliest is not None and report.latest is not None:
        console.print(
            f"After their instant: the first {_span(report.earliest)}, "
            f"the last {_span(report.latest)}."
        )
    if report.failed_jobs:
        console.print(f"Runs of schedulers that failed and were done again: {report.failed_jobs}.")
    if not report.broken_count:
        console.print("No promise was broken.")
        return
    console.print(f"BROKEN PROMISES: {report.broken_count:,}", style="red")
    for broken in report.broken[:_SHOWN_BROKEN]:
        console.print(f"  {broken.promise}: {broken.key}: {broken.detail}")


def _calendar(report: "Report", year: int) -> Table:
    """Return a table of days by months, with what left for each local date."""
    names = [f"{date(year, month, 1):%b}" for month in range(1, 13)]
    table = Table(str(year), box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        table.add_column(name, justify="right")
    months: list[int] = [0] * 12
    for day in _DAYS_OF_A_MONTH:
        counts = [_count(report, year, month, day) for month in range(1, 13)]
        months = [total + (count or 0) for total, count in zip(months, counts, strict=True)]
        table.add_row(str(day), *map(_short, counts))
    table.add_row("sum", *map(_short, months))
    return table


def _short(count: int | None) -> str:
    """Return a count in five characters, so that twelve months fit a terminal."""
    if not count:
        return ""
    return str(count) if count < 100_000 else f"{count // 1000}k"  # noqa: PLR2004


def _count(report: "Report", year: int, month: int, day: int) -> int | None:
    try:
        return report.sent_on[date(year, month, day)]
    except ValueError:
        return None


def _span(seconds: float) -> str:
    return f"{seconds:g} s" if abs(seconds) < 120 else str(timedelta(seconds=round(seconds)))  # noqa: PLR2004
