"""Bring people in from a file: `heyday users import`."""

import asyncio
import gc
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from heyday.cli import privacy
from heyday.cli.csv_file import OpenFile, open_csv
from heyday.cli.rejected_file import RejectedFile
from heyday.cli.running import print_json, with_app
from heyday.domain.dates import PLACEHOLDERS
from heyday.domain.errors import HeydayError
from heyday.services.import_rows import ImportCounts, SuspiciousDate, check_columns
from heyday.services.importing import ImportService

if TYPE_CHECKING:
    from heyday.bootstrap import App

app = typer.Typer(help="Look after people.", no_args_is_help=True)
_SOME_ID = "8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c"
app.command("export", epilog=f"Example: heyday users export {_SOME_ID} --json")(privacy.export)
app.command("erase", epilog=f"Example: heyday users erase {_SOME_ID}")(privacy.erase)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Say what became of a file. Who was there already counts as updated.

    rejected_file: where the rejected rows are, if there are any.   suspicious: how many dates
    were taken that may stand for "not known".   suspicious_dates: where the first of them are.
    unchanged: how many of the updated were there as the file says.
    """

    imported: int
    updated: int
    rejected: int
    rejected_file: Path | None
    suspicious: int = 0
    suspicious_dates: tuple[SuspiciousDate, ...] = ()
    unchanged: int = 0


@app.callback()
def group() -> None:
    """Look after people."""


@app.command("import", epilog="Example: heyday users import people.csv")
def import_(
    path: Annotated[Path, typer.Argument(metavar="FILE.csv", help="CSV in UTF-8, with a header.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Import people, and plan their greetings.

    The header names columns of users, in any order: first_name, last_name, email and timezone
    must be there; birthday_date, anniversary_date, location_city, location_country and locale may
    be. Dates are written YYYY-MM-DD, or --MM-DD if the year is not known; a locale is a language
    tag such as pt-BR.
    A person whose address is known is updated, or left alone where nothing is new; columns that
    the file does not have stay as they are. Rejected rows go to FILE.rejected.csv with their line
    and the reason, cells as they came.
    Running it again is harmless. Exit status: 0 all rows taken, 1 some rejected, 2 not readable.
    """
    console = Console(stderr=True, quiet=as_json)
    with open_csv(path) as file:
        check_columns(file.columns)

        async def work(heyday: "App") -> ImportReport:
            # What the program is made of stays to its end: the collector need not go through it.
            gc.freeze()
            return await _import(heyday.imports.files, file, console)

        report = with_app(work)
    _print(report, as_json=as_json)
    if report.rejected:
        raise typer.Exit(1)


async def import_file(
    importer: ImportService, path: Path, console: Console, rejected_file: Path | None = None
) -> ImportReport:
    """Import a file, with a progress bar if the console is a terminal.

    rejected_file: where rejected rows go; FILE.rejected.csv beside the file if it is not given.
    Raises InvalidInput if the file or its columns are wrong, before anything is imported.
    """
    with open_csv(path) as file:
        check_columns(file.columns)
        return await _import(importer, file, console, rejected_file)


async def _import(
    importer: ImportService, file: OpenFile, console: Console, rejected_file: Path | None = None
) -> ImportReport:
    counts = ImportCounts()
    with RejectedFile(file, rejected_file) as rejected, _progress(console) as progress:
        bar = progress.add_task(file.path.name, total=file.path.stat().st_size, taken=0, rejected=0)
        try:
            async with aclosing(importer.run(file.columns, file.batches(), rejected.add)) as chunks:
                async for counts in chunks:
                    progress.update(
                        bar,
                        completed=file.position,
                        taken=counts.imported + counts.updated,
                        rejected=counts.rejected,
                    )
        except (HeydayError, asyncio.CancelledError):
            taken = counts.imported + counts.updated
            typer.echo(
                f"Stored before it stopped, with their plans: {taken:,} rows. "
                "Import the same file again to store the rest.",
                err=True,
            )
            raise
    return ImportReport(
        counts.imported,
        counts.updated,
        counts.rejected,
        rejected.path if counts.rejected else None,
        counts.suspicious,
        counts.suspicious_dates,
        counts.unchanged,
    )


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[taken]:,} taken"),
        TextColumn("{task.fields[rejected]:,} rejected"),
        TimeRemainingColumn(),
        console=console,
        disable=console.quiet or not console.is_terminal,
    )


def _print(report: ImportReport, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    for name in ("imported", "updated", "rejected"):
        typer.echo(f"{name:<9} {getattr(report, name):>9,}")
    if report.unchanged:
        typer.echo(f"{'unchanged':<9} {report.unchanged:>9,}  of those updated")
    if report.rejected_file:
        typer.echo(f"Rejected rows and reasons: {report.rejected_file}", err=True)
    if report.suspicious:
        typer.echo(_describe_suspicious(report), err=True)


def _describe_suspicious(report: ImportReport) -> str:
    places = [f"line {found.line} {found.field}" for found in report.suspicious_dates]
    if report.suspicious > len(places):
        places.append("...")
    written = " or ".join(str(on) for on in sorted(PLACEHOLDERS))
    return (
        f"Suspicious dates: {report.suspicious:,} of {written}, which often mean 'not known'. "
        f"They were taken as they are: {', '.join(places)}."
    )
