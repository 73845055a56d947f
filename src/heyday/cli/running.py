"""Run a coroutine for a command: settings, logs, event loop."""

import json
from collections.abc import Awaitable, Callable
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import TypeVar

import typer
import uvloop

from heyday.bootstrap import App, open_app, open_database
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.settings import Settings, load_settings
from heyday.telemetry import configure_logging

T = TypeVar("T")


def with_settings(work: Callable[[Settings], Awaitable[T]]) -> T:
    """Load the settings, set up logs, and run `work` to its end."""
    settings = load_settings()
    configure_logging(settings.log_level, as_json=settings.log_format == "json")

    async def run() -> T:
        return await work(settings)

    return uvloop.run(run())


def with_app(work: Callable[[App], Awaitable[T]]) -> T:
    """Run `work` on everything that the composition root builds."""

    async def run(settings: Settings) -> T:
        async with open_app(settings) as app:
            return await work(app)

    return with_settings(run)


def with_database(work: Callable[[str], Awaitable[T]]) -> T:
    """Run `work` on the URL of a running PostgreSQL, migrated or not."""

    async def run(settings: Settings) -> T:
        async with open_database(settings) as url:
            return await work(url)

    return with_settings(run)


def print_json(value: object) -> None:
    """Print one JSON document on standard output."""
    typer.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def parse_instant(value: str | None) -> datetime | None:
    """Read an ISO 8601 instant with its offset. Raises InvalidInput."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    # A plan reaches two days and a catch-up a year to both sides, within Python's calendar.
    if at is None or at.tzinfo is None or not MINYEAR + 2 <= at.year <= MAXYEAR - 2:
        expected = "is not an instant; expected one with its offset, 2027-01-14T00:00:00Z"
        raise InvalidInput([FieldProblem("--at", expected)])
    return at.astimezone(UTC)
