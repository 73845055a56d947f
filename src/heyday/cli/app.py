"""Gather the commands into the `heyday` program."""

import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from heyday import __version__
from heyday.cli.late import LateCommand
from heyday.domain.errors import HeydayError

_FAULT = 2
# Each with the sentence that its own help begins with, and a line to copy where that says more.
COMMANDS = (
    LateCommand(
        "up",
        "serve:up",
        "Start everything in one process: API, schedulers, worker; and a database if none is set.",
        "PORT=8001 heyday up",
    ),
    LateCommand(
        "api", "serve:api", "Serve the REST API and the pages.", "HOST=0.0.0.0 PORT=80 heyday api"
    ),
    LateCommand("scheduler", "serve:scheduler", "Plan, enqueue and recover."),
    LateCommand("worker", "serve:worker", "Send what is due."),
    LateCommand(
        "send-test",
        "send_test:send_test",
        "Send one letter through each sender in force, and say what came of it.",
        "heyday send-test you@example.com",
    ),
    LateCommand(
        "reconcile",
        "reports:reconcile",
        "Show that every greeting that was due is accounted for, by calendar, rows and provider.",
    ),
    LateCommand(
        "simulate",
        "simulate:simulate",
        "Show what leaves when: live through days, or years, in seconds.",
        "heyday simulate --from 2027-02-27 --to 2027-03-02 --users 1000",
    ),
    LateCommand(
        "forecast",
        "forecast:forecast",
        "Tell what will be sent when, by the people, zones and rules of now.",
        "heyday forecast --days 2 --by hour",
    ),
    LateCommand(
        "explain",
        "explain:explain",
        "Say why a person will, or will not, get a greeting, with every rule that applies.",
        "heyday explain finn@example.com --on 2027-02-28",
    ),
    LateCommand(
        "preview",
        "preview:preview",
        "Show a greeting as it would look, for a person or with --sample for an invented one.",
        "heyday preview --sample --type BIRTHDAY --locale de",
    ),
    LateCommand(
        "audit",
        "audit:audit",
        "Show who did what, and who looked at whom: the latest first.",
        "heyday audit --since 2027-01-14T00:00:00Z --limit 20",
    ),
    LateCommand(
        "doctor",
        "doctor:doctor",
        "Check the whole installation, and say what to do about what is wrong.",
    ),
    LateCommand(
        "status",
        "status:status",
        "Show how today goes: what leaves now and where, what was sent, how late, what is wrong.",
        "heyday status --once",
    ),
    LateCommand(
        "settings", "reports:settings", "List every setting with its value, default and meaning."
    ),
    LateCommand("db", "database:app", "Look after the database."),
    LateCommand("users", "users:app", "Look after people."),
    LateCommand("jobs", "jobs:app", "Run a scheduler's job by hand."),
    LateCommand(
        "messages",
        "messages:app",
        "Look at greetings, settle those that wait for a decision, cancel others.",
    ),
    LateCommand("queue", "queue:app", "Look at the queue between schedulers and workers."),
    LateCommand(
        "sends",
        "sends:app",
        "After a restore of the database: look at what was sent since, and bring it up to that.",
    ),
    LateCommand("keys", "keys:app", "Say who may use the API."),
)


class _Program(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for command in COMMANDS:
            self.add_command(command)


app = typer.Typer(
    cls=_Program,
    help="Greet every person on their day, at nine in the morning where they are: once.",
    epilog="New here? `heyday up` starts all of it. Each command explains itself: heyday up --help",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
