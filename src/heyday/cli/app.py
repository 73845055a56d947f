"""Gather the commands into the `heyday` program."""

import sys
from typing import Annotated, NoReturn

import typer

from heyday import __version__
from heyday.cli import (
    audit,
    database,
    explain,
    forecast,
    jobs,
    keys,
    messages,
    preview,
    queue,
    reports,
    send_test,
    serve,
    simulate,
    users,
)
from heyday.domain.errors import HeydayError

_FAULT = 2

app = typer.Typer(
    help="Greet every person on their day, at nine in the morning where they are: once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(database.app, name="db")
app.add_typer(users.app, name="users")
app.add_typer(jobs.app, name="jobs")
app.add_typer(messages.app, name="messages")
app.add_typer(queue.app, name="queue")
app.add_typer(keys.app, name="keys")
app.command("up")(serve.up)
app.command("api")(serve.api)
app.command("scheduler")(serve.scheduler)
app.command("worker")(serve.worker)
app.command("send-test")(send_test.send_test)
app.command("reconcile")(reports.reconcile)
app.command("simulate")(simulate.simulate)
app.command("forecast")(forecast.forecast)
app.command("explain")(explain.explain)
app.command("preview")(preview.preview)
app.command("audit")(audit.audit)
app.command("settings")(reports.settings)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.")
    ] = False,
) -> None:
    """Greet every person on their day, at nine in the morning where they are: once."""
    if version:
        typer.echo(f"heyday {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the program: explained faults become one message and exit status 2, not a traceback."""
    try:
        app()
    except HeydayError as error:
        _refuse(error)
    except ExceptionGroup as group:
        # What fails among parts that run side by side comes in a group.
        explained, others = group.split(HeydayError)
        if explained is None or others is not None:
            raise
        _refuse(_first(explained))
    except KeyboardInterrupt:
        sys.exit(130)


def _refuse(error: Exception) -> NoReturn:
    typer.secho(f"heyday: {error}", err=True, fg="red")
    sys.exit(_FAULT)


def _first(error: Exception) -> Exception:
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error
