"""Run the processes that stay: `heyday up`, `api`, `scheduler`, `worker`."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from heyday.cli.running import with_settings
from heyday.domain.errors import ConfigurationError, DatabaseError

if TYPE_CHECKING:
    from heyday.api.side_door import Working
    from heyday.bootstrap import App
    from heyday.cli.plain_server import PlainServer
    from heyday.settings import Settings

log = structlog.get_logger()

# Stopping may take ten seconds in all.
_FINISH_SENDING = 8.0
_BACKLOG = 2048
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Roles:
    """Say which parts one process plays."""

    api: bool = False
    schedulers: bool = False
    worker: bool = False


@dataclass(frozen=True, slots=True)
class _Doors:
    """Hold the sockets that a process listens on: of the API, and of those who watch it."""

    api: socket.socket | None = None
    side: socket.socket | None = None

    @property
    def port(self) -> int | None:
        """Return the port that the log tells; None where the process has none."""
        door = self.api or self.side
        return int(door.getsockname()[1]) if door else None


def up() -> None:
    """Start everything in one process: API, schedulers, worker; and a database if none is set.

    Without DATABASE_URL that is a private PostgreSQL, which keeps its data in the folder .heyday
    of the folder you are in; start it there again to go on. Without a sender, greetings go to the
    page /inbox. It migrates the database first. Ctrl-C stops all of it.
    """
    with_settings(_up)


def api() -> None:
    """Serve the REST API and the pages.

    Any number of these may run, on one machine or many. DATABASE_URL says where the database is,
    which `heyday db migrate` brings to this version first.
    """
    with_settings(lambda settings: _serve(settings, Roles(api=True)))


def scheduler() -> None:
    """Plan, enqueue and recover.

    Any number of these may run, on one machine or many: what one does, the others find done.
    """
    with_settings(lambda settings: _serve(settings, Roles(schedulers=True)))


def worker() -> None:
    """Send what is due.

    Any number of these may run, on one machine or many. SIGTERM lets it finish the calls in flight.
    """
    with_settings(lambda settings: _serve(settings, Roles(worker=True)))


async def _up(settings: "Settings") -> None:
    from heyday.clock import SystemClock
    from heyday.db import migrate

    if settings.database_url:
        await migrate.upgrade(settings.database_url, SystemClock().now())
    await _serve(settings, Roles(api=True, schedulers=True, worker=True), is_greeting=True)


async def _serve(settings: "Settings", roles: Roles, *, is_greeting: bool = False) -> None:
    """Play the roles until SIGTERM, SIGINT or SIGHUP, then come to an orderly end."""
    from heyday.bootstrap import open_app
    from heyday.cli import welcome

    stopping = asyncio.Event()
    with _signals_set(stopping), _listening(settings, roles) as doors:
        async with open_app(settings, is_server=True) as app:
            async with _playing(app, roles, doors, stopping):
                if is_greeting and doors.port and not stopping.is_set():
                    await welcome.greet(app, doors.port)
                else:
                    log.info("started", port=doors.port)
                    if roles.api:
                        await _warn_if_closed(app)
                # What is there by now stays: no collection of garbage need go through it again.
                gc.collect()
                gc.freeze()
                await stopping.wait()
            log.info("stopped")


async def _warn_if_closed(app: "App") -> None:
    """Say so if nobody can use the API, which looks well otherwise."""
    from heyday.cli.welcome import MAKE_KEY

    # A database that has just gone away is told of by others.
    with contextlib.suppress(DatabaseError):
        if not await app.access.keys.has_any():
            log.warning("no_api_key", make_one=MAKE_KEY)


@contextlib.contextmanager
def _signals_set(stopping: asyncio.Event) -> Iterator[None]:
    """Let signals ask for an orderly end. A second Ctrl-C is not waited for."""
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        stopping.set()
        if number is signal.SIGINT:
            loop.remove_signal_handler(signal.SIGINT)

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _servers(
    app: "App", roles: Roles, doors: _Doors
) -> Iterator[tuple["PlainServer", socket.socket]]:
    """Build what each door serves: the API, and what the process shows of itself.

    What they need takes up to a quarter of a second to import, at every command.
    """
    if doors.api:
        from heyday.cli.http_server import HttpServer

        yield HttpServer.of(app), doors.api
    if doors.side:
        from heyday.bootstrap.watching import side_door_of
        from heyday.cli.plain_server import PlainServer, config_of

        parts: list[Working] = [app.worker] if roles.worker else []
        parts += [app.daily, app.minute, app.sweep, app.recovery] if roles.schedulers else []
        yield PlainServer(config_of(side_door_of(app, parts))), doors.side


@contextlib.asynccontextmanager
async def _playing(
    app: "App", roles: Roles, doors: _Doors, stopping: asyncio.Event
) -> AsyncIterator[None]:
    """Run the parts; on the way out finish replies and calls in flight, then end the rest."""
    from heyday.bootstrap.watching import show_process, standing_watch_of

    servers = list(_servers(app, roles, doors))
    show_process(app)
    async with asyncio.TaskGroup() as group:
        parts: list[_Part] = [app.announcements, app.clock_watch]
        parts += [app.heartbeat] if app.heartbeat else []
        parts += [app.access.use, app.imports.worker] if roles.api else []
        if roles.schedulers:
            parts += [app.daily, app.minute, app.sweep, app.recovery]
            parts += [app.transaction_watch, standing_watch_of(app)]
        loops = [group.create_task(_run(part, stopping)) for part in parts]
        working = group.create_task(_run(app.worker, stopping)) if roles.worker else None
        for server, door in servers:
            serving = server.serve(sockets=[door])
            group.create_task(_until_stopped("HttpServer", serving, stopping))
        try:
            yield
        finally:
            stopping.set()
            for server, _ in servers:
                server.should_exit = True
            app.worker.stop()
            if working:
                await asyncio.wait({working}, timeout=_FINISH_SENDING)
                working.cancel()
            for loop in loops:
                loop.cancel()


class _Part(Protocol):
    async def run(self) -> None: ...


async def _run(part: _Part, stopping: asyncio.Event) -> None:
    """Have a part work until it is stopped, or cancelled."""
    await _until_stopped(type(part).__name__, part.run(), stopping)


async def _until_stopped(name: str, work: Awaitable[None], stopping: asyncio.Event) -> None:
    """Let a part's work go on. Raises RuntimeError where it ends before anybody asked it to.

    The process then ends as well, and whoever watches it starts another: one that stays without
    its minute scheduler would queue nothing, and look well.
    """
    try:
        await work
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
    if not stopping.is_set():
        log.error("part_ended", part=name)
        raise RuntimeError(f"{name} ended by itself")


@contextlib.contextmanager
def _listening(settings: "Settings", roles: Roles) -> Iterator[_Doors]:
    """Hold the process's ports, taken before anything else starts."""
    with contextlib.ExitStack() as held:
        api = side = None
        if roles.api:
            api = held.enter_context(_listen((settings.host, settings.port), "PORT=8001"))
        if settings.metrics_port:
            another = f"HEYDAY_METRICS_PORT={settings.metrics_port % _LAST_PORT + 1}"
            place = settings.metrics_host, settings.metrics_port
            side = held.enter_context(_listen(place, another))
        yield _Doors(api, side)


def _listen(place: tuple[str, int], another: str) -> socket.socket:
    """Take a port; another: how to ask for one. Raises ConfigurationError if it is not free."""
    host, port = place
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(place)
        # From here on the port is ours alone, and who calls early is answered once we can.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"cannot listen on {host} port {port} ({error.strerror}); "
            f"is Heyday already running? Another port: {another}"
        ) from None
    return listener
