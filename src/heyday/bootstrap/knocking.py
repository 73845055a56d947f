"""Knock at every host that Heyday needs beside PostgreSQL and RabbitMQ. Nothing is sent."""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import timedelta

from heyday.bootstrap.mail import build_server
from heyday.bootstrap.providers import provider_url, resolver
from heyday.domain.errors import HeydayError
from heyday.domain.troubles import Level, Part, Trouble, _
from heyday.rate_limits import SharedConfig, knock
from heyday.senders.knocking import knock_http, knock_smtp
from heyday.settings import Settings
from heyday.settings.choices import SenderName


async def troubles_of_hosts(settings: Settings, patience: timedelta) -> Sequence[Trouble]:
    """Return what is to be said of senders and of Redis. patience: for each of them."""
    knocks = [_try_sender(settings.through(name), patience) for name in settings.sender_names]
    if settings.redis_url:
        knocks.append(_try_redis(settings.redis_url, patience))
    return [trouble for trouble in await asyncio.gather(*knocks) if trouble]


async def _try_sender(settings: Settings, patience: timedelta) -> Trouble | None:
    """Return why greetings cannot leave through the one sender in force."""
    name = settings.sender_name
    if name is SenderName.INBOX:
        return None
    fault = await _fault_of(_knock_at(settings, patience))
    if fault is None:
        return None
    return Trouble(
        Part.SENDERS,
        Level.ALARM,
        _("Greetings cannot leave through %(sender)s: %(fault)s."),
        _("Look at its address in the settings, at DNS, and at the firewall between."),
        {"sender": name.value, "fault": fault},
    )


async def _knock_at(settings: Settings, patience: timedelta) -> None:
    """Knock at the one sender in force. Raises Unreachable, ConfigurationError."""
    if settings.sender_name is SenderName.SMTP:
        await knock_smtp(build_server(settings), patience)
    else:
        await knock_http(provider_url(settings), patience, resolver(settings))


async def _try_redis(url: str, patience: timedelta) -> Trouble | None:
    fault = await _fault_of(knock(SharedConfig(url), patience))
    if fault is None:
        return None
    return Trouble(
        Part.REDIS,
        Level.WARNING,
        _("%(fault)s; each API process counts its callers by itself meanwhile."),
        _("Start Redis, or look at REDIS_URL."),
        {"fault": fault},
    )


async def _fault_of(knocking: Awaitable[None]) -> str | None:
    try:
        await knocking
    except HeydayError as fault:
        return str(fault)
    return None
