"""Fill the database with invented people: `heyday db seed`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from heyday.cli.running import with_app
from heyday.db.seeding.population import LARGEST_SEED, Population

if TYPE_CHECKING:
    from heyday.bootstrap import App
    from heyday.db.seeding.copying import CopyReport
    from heyday.db.seeding.copying import Progress as Told
    from heyday.db.seeding.sample import SampleReport

_MOST = 100_000_000


def seed(
    users: Annotated[
        int | None,
        typer.Option(
            min=1, max=_MOST, metavar="N",
            help="Add N people, spread over days and zones as the real ones are.",
        ),
    ] = None,
    seed_number: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Which people: the same number, the same.")
    ] = 1,
) -> None:  # fmt: skip
    """Add 100 sample people in many zones, with greetings in every status; or with --users, many.

    Running it again changes nothing. All of them are invented, with addresses at example.com.
    """
    if users is None:
        _tell_sample(with_app(_add_sample))
        return
    _tell_population(*with_app(lambda app: _add_population(app, users, seed_number)), seed_number)


async def _add_sample(app: "App") -> "SampleReport":
    from heyday.db.seeding.sample import add_sample

    async with app.database.connection() as connection:
        return await add_sample(connection, app.timezones, app.clock.now())


async def _add_population(app: "App", users: int, seed_number: int) -> tuple["CopyReport", float]:
    """Return what was done, and in how many seconds."""
    from heyday.db.seeding.copying import copy_population

    population = Population(seed_number, app.clock.now())
    async with app.database.connection() as connection:
        with _progress(users) as progress:
            began = time.perf_counter()
            report = await copy_population(connection, population, users, progress)
            return report, time.perf_counter() - began


def _tell_sample(report: "SampleReport") -> None:
    if not report.added:
        typer.echo(f"All {report.present} sample people are there already; nothing was changed.")
        return
    counts = ", ".join(f"{count} {status}" for status, count in sorted(report.messages.items()))
    typer.echo(f"Added {report.added} sample people, and greetings: {counts or 'none'}.")
    if report.present:
        typer.echo(f"{report.present} were there already, and stay as they are.")


def _tell_population(report: "CopyReport", seconds: float, seed_number: int) -> None:
    if report.present:
        typer.echo(
            f"{report.present:,} people of seed number {seed_number} are there already; nothing "
            f"was changed. For others: --seed-number {(seed_number + 1) % LARGEST_SEED}"
        )
        return
    rate = report.added / seconds
    typer.echo(f"Added {report.added:,} people in {seconds:.1f} s ({rate:,.0f} a second).")


@contextmanager
def _progress(total: int) -> Iterator["Told"]:
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("starting", total=total)
        yield lambda doing, count: bar.update(task, description=doing, advance=count)
