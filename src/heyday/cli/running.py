"""Run a coroutine for a command: settings, logs, event loop.

What that takes is imported when it is run: a command that only explains itself needs none of it.
"""

import json
import os
import pwd
from collections.abc import Awaitable, Callable, Collection
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import typer

from heyday.domain.audit import DEED, Actor, ActorKind, Deed, doing
from heyday.domain.errors import FieldProblem, InvalidInput

if TYPE_CHECKING:
    from heyday.bootstrap import App
    from heyday.settings import Settings

T = TypeVar("T")


def with_settings(work: Callable[["Settings"], Awaitable[T]]) -> T:
    """Load the settings, set up logs, and run `work` to its end."""
    import uvloop

    from heyday.settings import load_settings
    from heyday.telemetry import configure_logging

    settings = load_settings()
    configure_logging(settings.log_level, as_json=settings.log_format == "json")

    async def run() -> T:
        return await work(settings)

    return uvloop.run(run())


def with_app(work: Callable[["App"], Awaitable[T]]) -> T:
    """Run `work` on everything that the composition root builds."""
    from heyday.bootstrap import open_app

    async def run(settings: "Settings") -> T:
        async with open_app(settings) as app:
            with doing(deed_of(work)):
                return await work(app)

    return with_settings(run)


def with_database(work: Callable[[str], Awaitable[T]]) -> T:
    """Run `work` on the URL of a running PostgreSQL, migrated or not."""
    from heyday.bootstrap.database import open_database

    async def run(settings: "Settings") -> T:
        async with open_database(settings) as url:
            with doing(deed_of(work)):
                return await work(url)

    return with_settings(run)


def deed_of(work: object) -> Deed:
    """Return what the audit log is to know of a command: who started it, and what it is called.

    work: what the command runs, by whose place it is named: users.import.
    """
    module = str(getattr(work, "__module__", "")).rpartition(".")[2]
    function = str(getattr(work, "__qualname__", "")).partition(".")[0].strip("_")
    return Deed(Actor(ActorKind.CLI, _user()), f"{module}.{function}", is_write=True)


async def note_look(app: "App", user_ids: Collection[UUID]) -> None:
    """Note that a command is about to show people. Raises DatabaseError: then it may not."""
    if deed := DEED.get():
        deed.concerns(user_ids)
        await app.habits.audit.note(deed)


def _user() -> str:
    """Return the name of the operating system's user: as it knows them, not as they say."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def print_json(value: object) -> None:
    """Print one JSON document on standard output."""
    typer.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def parse_instant(value: str | None, option: str = "--at") -> datetime | None:
    """Read an ISO 8601 instant with its offset. Raises InvalidInput, which names the option."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    # A plan reaches two days and a catch-up a year to both sides, within Python's calendar.
    if at is None or at.tzinfo is None or not MINYEAR + 2 <= at.year <= MAXYEAR - 2:
        expected = "is not an instant; expected one with its offset, 2027-01-14T00:00:00Z"
        raise InvalidInput([FieldProblem(option, expected)])
    return at.astimezone(UTC)
