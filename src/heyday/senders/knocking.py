"""Knock at a provider's door, and leave: its name resolves, it answers, TLS holds. Nothing is sent.

A mail server is also asked whether the log-in is right.
"""

import asyncio
from datetime import timedelta

from heyday.domain.errors import Unreachable
from heyday.senders.connections import C, Connections, Pool
from heyday.senders.faults import describe
from heyday.senders.place import Place
from heyday.senders.resolving import Resolve, ask_system
from heyday.senders.smtp_connections import Server, SmtpConnections
from heyday.senders.smtp_session import NoEntrance

_NO_BODY = 1


async def knock_http(url: str, patience: timedelta, resolve: Resolve = ask_system) -> None:
    """Return once there is a connection to a provider's API. Raises Unreachable."""
    await _knock(Connections(Place(url), _NO_BODY, resolve=resolve), patience, "the provider")


async def knock_smtp(server: Server, patience: timedelta) -> None:
    """Return once a mail server would take a letter. Raises Unreachable."""
    await _knock(SmtpConnections(server, patience.total_seconds()), patience, "the mail server")


async def _knock(pool: Pool[C], patience: timedelta, whom: str) -> None:
    try:
        async with asyncio.timeout(patience.total_seconds()):
            await pool.open()
    except OSError as fault:  # a TimeoutError is one
        raise Unreachable(describe(fault, whom)) from fault
    except NoEntrance as fault:
        raise Unreachable(fault.outcome.error or f"{whom} did not let us in") from fault
    finally:
        await pool.close()
