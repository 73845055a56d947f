"""Examine the whole installation, also where it is too ill to start."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

from heyday.bootstrap import App
from heyday.bootstrap.binding import build_library, refuse_unknown_language
from heyday.bootstrap.conditions import PATIENCE, condition_of
from heyday.bootstrap.database import open_database, pool_config
from heyday.bootstrap.knocking import troubles_of_hosts
from heyday.bootstrap.machine import secret_files, troubles_of_disk, troubles_of_files
from heyday.bootstrap.provider import open_senders
from heyday.clock import SteadyClock
from heyday.db.connection import Database
from heyday.db.inbox import InboxRepository
from heyday.domain.checks import Examination, conclude
from heyday.domain.errors import ConfigurationError, HeydayError
from heyday.domain.sealing import NO_SEALS
from heyday.domain.troubles import Level, Part, Trouble, _
from heyday.services.condition import Condition
from heyday.services.texts import ShownText
from heyday.settings import Settings, load_settings
from heyday.settings.doubts import find_doubts

_STARTS_WITHIN = timedelta(seconds=30)
_TODO = {
    Part.SETTINGS: _("Put it right where it is set: `heyday settings` lists all that there are."),
    Part.DATABASE: _("What fell due meanwhile is sent as soon as PostgreSQL is back."),
    Part.TEXTS: _("Put the file right, or empty the setting: `heyday preview` shows a text."),
}
_ALWAYS = frozenset({Part.SETTINGS, Part.FILES, Part.SENDERS})
_OF_SERVER = frozenset({Part.DATABASE, Part.MIGRATIONS, Part.CLOCKS})
_OF_TABLES = frozenset(
    {Part.PARTITIONS, Part.SCHEDULERS, Part.BACKLOG, Part.GREETINGS, Part.ZONES, Part.TEXTS}
)
_EVERYWHERE = _ALWAYS | _OF_SERVER | _OF_TABLES | {Part.PLANS, Part.TRANSPORT}


async def examine(patience: timedelta = PATIENCE) -> Examination:
    """Return how everything is. Raises nothing for what is wrong.

    patience: how long each host may take to answer.
    """
    try:
        settings = load_settings()
    except ConfigurationError as fault:
        troubles = [_fault(Part.SETTINGS, fault), *troubles_of_files(secret_files(None))]
        return conclude(troubles, {Part.FILES}, _EVERYWHERE)
    wanted, looked_at = set(_EVERYWHERE), set(_ALWAYS)
    troubles = [*find_doubts(settings), *troubles_of_files(secret_files(settings))]
    if settings.redis_url:
        looked_at.add(Part.REDIS)
    if not settings.database_url:
        looked_at.add(Part.DISK)
        troubles += troubles_of_disk(settings)
    hosts, ours = await asyncio.gather(
        troubles_of_hosts(settings, patience), _look_inside(settings, patience)
    )
    found, condition = ours
    return conclude(
        [*troubles, *hosts, *found], looked_at | _seen_in(condition), wanted | looked_at
    )


def _seen_in(condition: Condition | None) -> set[Part]:
    """Return the parts that could be looked at."""
    if condition is None:
        return set()
    seen: set[Part] = set()
    if condition.server and condition.health.schema:
        seen |= _OF_SERVER
    if condition.database and condition.queue:
        seen |= _OF_TABLES
    if condition.database and condition.unplanned is not None:
        seen.add(Part.PLANS)
    if condition.queue and condition.queue.depth:
        seen.add(Part.TRANSPORT)
    return seen


async def _look_inside(
    settings: Settings, patience: timedelta
) -> tuple[Sequence[Trouble], Condition | None]:
    """Return what is wrong with the database, and with what stands in it."""
    has_own = (settings.home / "postgres" / "data").exists()
    if not (settings.database_url or has_own):
        return [_no_database()], None
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(_STARTS_WITHIN.total_seconds()):
                url = await stack.enter_async_context(open_database(settings))
        except (HeydayError, TimeoutError) as fault:
            return [_fault(Part.DATABASE, fault)], None
        opening = _opened(settings, url, patience)
        database, refusal = await stack.enter_async_context(opening)
        return await _look_through(settings, url, (database, refusal), patience)


@asynccontextmanager
async def _opened(
    settings: Settings, url: str, patience: timedelta
) -> AsyncIterator[tuple[Database, Trouble | None]]:
    """Lend the database, and say why it cannot be used if it cannot."""
    config = pool_config(settings, url, is_server=False)
    config = replace(config, connect_timeout=patience, patience=patience)
    database, fault = Database(config), None
    try:
        await database.open()
    except HeydayError as error:
        fault = _fault(Part.DATABASE, error)
    try:
        yield database, fault
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience.total_seconds()):
                await database.close()


async def _look_through(
    settings: Settings, url: str, opened: tuple[Database, Trouble | None], patience: timedelta
) -> tuple[Sequence[Trouble], Condition]:
    database, fault = opened
    inbox, clock = InboxRepository(database), SteadyClock(settings.clock_tolerance)
    app = App(settings, url, database, inbox, {}, clock=clock)
    try:
        troubles = await _of_what_is_built(app, is_open=fault is None)
        condition = await condition_of(app, patience).look_closely()
    finally:
        await app.close()
    found = list(condition.troubles)
    if fault:
        found = [fault, *(each for each in found if each.part is not Part.DATABASE)]
    return [*troubles, *found], condition


async def _of_what_is_built(app: App, *, is_open: bool) -> Sequence[Trouble]:
    """Return what would keep a process from starting, and which texts cannot be used."""
    troubles = []
    try:
        async with open_senders(app.settings, app.inbox, app.clock, NO_SEALS):
            pass
    except ConfigurationError as fault:
        troubles.append(_fault(Part.SETTINGS, fault))
    try:
        refuse_unknown_language(app.settings, build_library(app.settings))
    except ConfigurationError as fault:
        return [*troubles, _fault(Part.TEXTS, fault)]
    if is_open:
        with suppress(HeydayError):  # of tables that are not there others tell
            troubles += [_of_text(each) for each in await app.texts.own.list_refused()]
    return troubles


def _of_text(text: ShownText) -> Trouble:
    return Trouble(
        Part.TEXTS,
        Level.WARNING,
        _("The text of %(message_type)s in %(language)s cannot be used: the ready one is sent."),
        _("Open it under Texts, which says what is wrong at which line; or delete it there."),
        {"message_type": text.message_type, "language": text.language},
    )


def _fault(part: Part, fault: BaseException) -> Trouble:
    """Return the trouble that a fault is; its own words say what was expected."""
    told = str(fault) or "it took too long"
    return Trouble(part, Level.ALARM, "%(fault)s", _TODO[part], {"fault": told})


def _no_database() -> Trouble:
    return Trouble(
        Part.DATABASE,
        Level.WARNING,
        _("There is no database yet, as DATABASE_URL is empty and Heyday has not made its own."),
        _("Run heyday up, which makes one; or set DATABASE_URL, and run heyday db migrate."),
    )
