"""Look after the database: `heyday db`."""

import asyncio
import shutil
import time
from typing import Annotated

import typer
from rich.console import Console

from heyday.cli.running import print_json, with_database
from heyday.cli.seed import seed
from heyday.clock import SystemClock
from heyday.db import migrate as migrations
from heyday.domain.errors import ConfigurationError

app = typer.Typer(help="Look after the database.", no_args_is_help=True)
app.command("seed")(seed)

_SECONDS_TO_THINK = 5


@app.command(epilog="Example: heyday db migrate --plan")
def migrate(
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Only show what would run, with its locks; change nothing."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Bring the database to this version: migrations, then partitions a year ahead.

    Heyday may run meanwhile: each migration waits for a lock for two seconds at most, and tries
    again for five minutes. With --plan: exit status 1 if something cannot be done beside what runs.
    """
    if plan:
        _show_plan(as_json=as_json)
        return
    if as_json:
        raise typer.BadParameter("it prints the plan: heyday db migrate --plan --json")
    created = with_database(lambda url: migrations.upgrade(url, SystemClock().now()))
    typer.echo(f"The database is up to date; {created} partitions created.")


def _show_plan(*, as_json: bool) -> None:
    from heyday.cli.migration_plan import described, print_plan

    found = with_database(migrations.plan)
    if as_json:
        print_json(described(found))
    else:
        print_plan(found)
    if not found.is_safe:
        raise typer.Exit(1)


@app.command("create-partitions", epilog="Example: heyday db create-partitions 24")
def create_partitions(
    months: Annotated[
        int, typer.Argument(min=0, max=1200, metavar="[N]", help="Months ahead of this one.")
    ] = migrations.MONTHS_AHEAD,
) -> None:
    """Create the partitions of this month and of N months ahead. Running it again is harmless."""
    created = with_database(
        lambda url: migrations.create_partitions(url, SystemClock().now(), months)
    )
    typer.echo(f"{created} partitions created.")


@app.command("drop-old-partitions", epilog="Example: heyday db drop-old-partitions 36")
def drop_old_partitions(
    months: Annotated[
        int, typer.Argument(min=1, max=1200, metavar="N", help="Whole months to keep.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not wait for second thoughts.")] = False,
) -> None:
    """Drop the months that ended at least N whole months ago, with all their greetings."""
    now = SystemClock().now()
    names = with_database(lambda url: migrations.list_droppable(url, now, months))
    if not names:
        typer.echo(f"No partition is older than {months} whole months.")
        return
    typer.echo("To be dropped, for good: " + ", ".join(names))
    if not yes:
        _let_think()
    dropped = with_database(lambda url: migrations.drop_partitions(url, now, months))
    typer.echo(f"{len(dropped)} partitions dropped.")


@app.command(epilog='Example: heyday db generate "add a column"')
def generate(
    message: Annotated[
        str, typer.Argument(metavar="MESSAGE", help="What the migration does, in a few words.")
    ],
) -> None:
    """Write a migration that takes the database to db/schema.py. For developers of Heyday."""
    with_database(lambda url: migrations.generate(url, message))


@app.command()
def push(
    yes: Annotated[bool, typer.Option("--yes", help="Do not wait for second thoughts.")] = False,
) -> None:
    """Create missing tables straight from db/schema.py, without a migration. Development only."""
    if not yes:
        _let_think()
    with_database(migrations.push)
    typer.echo("Missing tables were created.")


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not wait for second thoughts.")] = False,
) -> None:
    """Throw all data away and migrate anew."""
    typer.echo("To be thrown away, for good: every person and every greeting.")
    if not yes:
        _let_think()
    with_database(lambda url: migrations.reset(url, SystemClock().now()))
    typer.echo("The database is new and empty.")


@app.command()
def studio() -> None:
    """Look at the data in psql."""
    program = shutil.which("psql")
    if program is None:
        raise ConfigurationError("psql is not installed; on Debian: apt install postgresql-client")

    async def look(url: str) -> None:
        shell = await asyncio.create_subprocess_exec(program, url)
        await shell.wait()

    with_database(look)


def _let_think() -> None:
    """Count down, so that Ctrl-C can still stop what cannot be undone."""
    with Console(stderr=True).status("") as status:
        for left in range(_SECONDS_TO_THINK, 0, -1):
            status.update(f"Ctrl-C stops this; it begins in {left} s")
            time.sleep(1)  # noqa: TID251 - a person is meant to wait here
