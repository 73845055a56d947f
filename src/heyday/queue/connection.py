"""Hold one connection to RabbitMQ, and have another whenever it is lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from itertools import cycle
from typing import TypeVar

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.connection import Connection, make_url
from aio_pika.exceptions import AMQPError, ChannelPreconditionFailed

from heyday.domain.errors import TransportError, TransportMisfit
from heyday.domain.ports import Clock
from heyday.queue.config import EXCHANGES, QUEUES, QueueConfig

T = TypeVar("T")
log = structlog.get_logger()

# aio-pika says RuntimeError for what was closed meanwhile.
LOST = (AMQPError, OSError, TimeoutError, RuntimeError)
_CLOSE_TIMEOUT = 2.0


@contextlib.contextmanager
def cancelled_is_lost() -> Iterator[None]:
    """Raise ConnectionError where aio-pika cancelled tasks of its own, and nobody cancelled us.

    It does when a connection ends under those who use it. Passed on, a CancelledError would end
    our task as if that had been asked for, and without a word.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionError("the connection ended meanwhile") from error
    except Exception as error:
        # What aiormq raises where it knows no better reason for that: nothing else is so bare.
        if type(error) is not Exception:
            raise
        raise ConnectionError("the connection ended meanwhile") from error


@contextlib.asynccontextmanager
async def farewell() -> AsyncIterator[None]:
    """Take leave, but not for long, and not of what is gone: blocked or cut off, it is silent."""
    with contextlib.suppress(*LOST):
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            with cancelled_is_lost():
                yield


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Raise TransportError for whatever says that RabbitMQ was lost."""
    try:
        with cancelled_is_lost():
            yield
    except LOST as error:
        raise TransportError(f"RabbitMQ was lost ({type(error).__name__})") from error


class QueueConnection:
    """Open channels on a connection that is made when it is needed, to any of the nodes.

    Nothing goes on in the background: whoever asks for a channel connects again, not sooner than
    a pause after the last failure, which grows.   name: what RabbitMQ's pages call the connection.
    """

    def __init__(self, config: QueueConfig, clock: Clock, name: str) -> None:
        self._config = config
        self._clock = clock
        self._name = name
        self._urls = cycle(config.urls)
        self._connecting = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._dropping: asyncio.Task[None] | None = None
        self._failures = 0
        self._away_since: float | None = None

    @property
    def away_for(self) -> timedelta:
        """Return for how long no channel could be set up; zero if the last one could."""
        if self._away_since is None:
            return timedelta()
        return timedelta(seconds=self._clock.monotonic() - self._away_since)

    async def open_channel(self, set_up: Callable[[AbstractChannel], Awaitable[T]]) -> T:
        """Set up a channel on which everything is declared; return what that brings.

        Raises TransportError, also where a queue has no leader: then there is a connection, and
        everything on it waits.
        """
        try:
            with cancelled_is_lost():
                found = await self._set_up(set_up)
        except LOST as error:
            await self.reset()
            self._note_failure(error)
            raise _fault(error) from error
        except asyncio.CancelledError:
            # Who waits no longer, as a probe, shall leave no channel, nor wait for its end.
            self._dropping = asyncio.create_task(self.reset())
            raise
        self._note_success()
        return found

    async def _set_up(self, set_up: Callable[[AbstractChannel], Awaitable[T]]) -> T:
        connection = await self._connected()
        async with asyncio.timeout(self._config.connect_timeout.total_seconds()):
            channel = await connection.channel(on_return_raises=True)
            await _declare(channel)
            return await set_up(channel)

    async def reset(self) -> None:
        """Drop the connection: the next channel is on a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            async with farewell():
                await connection.close()

    async def _connected(self) -> AbstractConnection:
        async with self._connecting:
            if self._connection is not None and self._connection.connected.is_set():
                return self._connection
            if self._failures:
                await self._clock.sleep_until(self._clock.now() + self._pause())
            self._connection = await self._connect(next(self._urls))
            return self._connection

    async def _connect(self, url: str) -> AbstractConnection:
        heartbeat = int(self._config.heartbeat.total_seconds())
        connection = Connection(
            make_url(url, heartbeat=heartbeat),
            client_properties={"connection_name": f"heyday {self._name}"},
        )
        try:
            await connection.connect(timeout=self._config.connect_timeout.total_seconds())
        except BaseException:
            # One that is only dropped closes itself in a task that nobody awaits.
            await connection.close()
            raise
        return connection

    def _pause(self) -> timedelta:
        # The exponent is held: 2 ** 10_000 is no number of seconds.
        pause = self._config.pause * 2.0 ** min(self._failures - 1, 16)
        return min(pause, self._config.longest_pause)

    def _note_failure(self, error: BaseException) -> None:
        self._failures += 1
        if self._away_since is None:
            self._away_since = self._clock.monotonic()
            log.warning("broker_away", connection=self._name, error=type(error).__name__)

    def _note_success(self) -> None:
        if self._away_since is not None:
            seconds = round(self.away_for.total_seconds(), 1)
            log.warning("broker_back", connection=self._name, seconds=seconds)
        self._failures, self._away_since = 0, None


async def _declare(channel: AbstractChannel) -> None:
    """Make what is missing; nothing happens where all is there."""
    exchanges = {
        e.name: await channel.declare_exchange(e.name, e.type, durable=True) for e in EXCHANGES
    }
    for definition in QUEUES:
        queue = await channel.declare_queue(
            definition.name, durable=True, arguments=dict(definition.arguments)
        )
        await queue.bind(exchanges[definition.exchange], definition.routing_key)


def _fault(error: BaseException) -> TransportError:
    if isinstance(error, ChannelPreconditionFailed):
        return TransportMisfit(
            f"RabbitMQ holds something else under a name of Heyday's: {error}; expected what "
            "`heyday queue topology` prints. Delete it there, and Heyday makes it anew"
        )
    return TransportError(f"RabbitMQ cannot be reached ({type(error).__name__})")
