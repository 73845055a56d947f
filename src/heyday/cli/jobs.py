"""Run scheduler jobs by hand: `heyday jobs run`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from heyday.cli.running import parse_instant, print_json, with_app

if TYPE_CHECKING:
    from heyday.bootstrap import App

app = typer.Typer(help="Run a scheduler's job by hand.", no_args_is_help=True)


class JobName(StrEnum):
    """Name the jobs."""

    DAILY = "daily"
    MINUTE = "minute"
    SWEEP = "sweep"
    RECOVERY = "recovery"


@app.callback()
def group() -> None:
    """Run a scheduler's job by hand."""


@app.command("run", epilog="Example: heyday jobs run daily --at 2027-01-14T00:00:00Z --json")
def run(
    job: Annotated[
        JobName,
        typer.Argument(
            help="daily plans, minute enqueues what is due, sweep brings back what is stuck on its "
            "way, recovery also what was missed."
        ),
    ],
    at: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANT",
            help="Run as if at this moment, such as 2027-01-14T00:00:00Z. A daily run then plans "
            "from there on, and the watermark for catching up stays as it is.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Run a job once and print what it did.

    Safe at any time, also beside running schedulers: a greeting is planned and sent once.
    """
    moment = parse_instant(at)

    async def work(heyday: "App") -> Mapping[str, int]:
        schedulers = {
            JobName.DAILY: heyday.daily,
            JobName.MINUTE: heyday.minute,
            JobName.SWEEP: heyday.sweep,
            JobName.RECOVERY: heyday.recovery,
        }
        return await schedulers[job].run_once(moment)

    counts = with_app(work)
    if as_json:
        print_json({"job": job.value, **counts})
    else:
        typer.echo(f"{job.value}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
