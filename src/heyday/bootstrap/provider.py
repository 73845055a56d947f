"""Build what talks to the provider, what stands before it, and what decides after its answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from heyday.bootstrap.mail import build_letters, build_safety, build_smtp
from heyday.bootstrap.providers import (
    BY_API,
    build_provider,
    key_lifetime,
    most_calls,
    provider_url,
    rate_limit,
)
from heyday.db.connection import Database
from heyday.db.inbox import InboxRepository
from heyday.db.pacing import PostgresPace
from heyday.domain.breaker import Breaker, BreakerConfig
from heyday.domain.delivery import AmbiguityPolicy, DeliveryPolicy
from heyday.domain.gate_ports import Gate
from heyday.domain.letters import LetterWriter
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.pace import PacePolicy
from heyday.domain.ports import BatchSender, Clock
from heyday.domain.retry import RetryPolicy
from heyday.domain.sealing import Seals
from heyday.senders.calls import HttpConfig
from heyday.senders.http import HttpSender
from heyday.senders.http_batch import HttpBatchSender
from heyday.senders.inbox import InboxSender
from heyday.services.gate import ProviderGate
from heyday.services.leases import LeaseConfig
from heyday.services.letters import FillingSender
from heyday.services.one_by_one import OneByOne
from heyday.services.routes import Route, Routes
from heyday.services.safe_mode import SafeSender
from heyday.services.sending import SendingConfig
from heyday.settings import Settings
from heyday.settings.choices import SenderName
from heyday.telemetry import Metrics
from heyday.workers.message import WorkerConfig

_LONGEST_CONNECT = timedelta(seconds=3)


def delivery_policy(settings: Settings, sender: BatchSender) -> DeliveryPolicy:
    """Return what follows an attempt, by its outcome."""
    held = [t.name for t in MESSAGE_TYPES if settings.ambiguity(t.name) is AmbiguityPolicy.HOLD]
    return DeliveryPolicy(RetryPolicy(settings.max_retries), sender.key_lifetime, frozenset(held))


def sending_config(settings: Settings) -> SendingConfig:
    """Return how a batch is sent."""
    lease = LeaseConfig(settings.lease, settings.call_timeout)
    config = SendingConfig(settings.concurrency, lease)
    calls = [settings.through(name).provider_batch for name in settings.sender_names]
    return replace(config, flush_size=max(config.flush_size, *calls))


def build_routes(
    settings: Settings,
    senders: Mapping[str, BatchSender],
    gate_of: Callable[[Settings], Gate],
) -> Routes:
    """Return the ways out of here. senders: those in force, by name."""
    routes = []
    for share in settings.sender_plan.shares:
        own, sender = settings.through(SenderName(share.sender)), senders[share.sender]
        policy = delivery_policy(own, sender)
        routes.append(Route(share, sender, gate_of(own), policy, calls_at_once(own)))
    return Routes(routes)


def calls_at_once(settings: Settings) -> int:
    """Return how many calls may be under way to one sender for a batch of the queue."""
    calls = settings.concurrency
    if settings.sender_name is SenderName.SMTP:
        # More would only wait for a connection, and run out of patience.
        calls = min(calls, settings.smtp_connections)
    return min(calls, most_calls(settings) or calls)


def build_gate(
    settings: Settings, database: Database, news: asyncio.Event, clock: Clock, metrics: Metrics
) -> ProviderGate:
    """Return what stands before the provider. news: set when another worker has slowed down."""
    provider = settings.sender_name.value
    return ProviderGate(
        provider=provider,
        breaker=Breaker(BreakerConfig(settings.breaker_failures)),
        pace=PostgresPace(database, news, provider, PacePolicy(rate_limit(settings))),
        clock=clock,
        metrics=metrics,
    )


@asynccontextmanager
async def open_senders(
    settings: Settings, inbox: InboxRepository, clock: Clock, seals: Seals
) -> AsyncIterator[Mapping[str, BatchSender]]:
    """Lend the senders in force, by name."""
    async with AsyncExitStack() as stack:
        senders: dict[str, BatchSender] = {}
        for name in settings.sender_names:
            opening = _open_sender(settings.through(name), inbox, clock, seals)
            senders[name] = await stack.enter_async_context(opening)
        yield senders


@asynccontextmanager
async def _open_sender(
    settings: Settings, inbox: InboxRepository, clock: Clock, seals: Seals
) -> AsyncIterator[BatchSender]:
    """Lend one sender; what reaches people reaches those alone who may be."""
    letters = build_letters(settings, seals)
    if settings.sender_name is SenderName.INBOX:
        yield FillingSender(OneByOne(InboxSender(inbox, clock)), letters)
        return
    safety = build_safety(settings)
    async with _open_provider(settings, letters, clock) as sender:
        yield SafeSender(sender, safety) if safety.is_on else sender


@asynccontextmanager
async def _open_provider(
    settings: Settings, letters: LetterWriter, clock: Clock
) -> AsyncIterator[BatchSender]:
    """Lend what talks to the provider, or to the mail server."""
    if settings.sender_name is SenderName.SMTP:
        async with build_smtp(settings, letters, clock) as smtp:
            yield OneByOne(smtp)
        return
    config = HttpConfig(
        url=provider_url(settings),
        timeout=settings.call_timeout,
        connect_timeout=min(_LONGEST_CONNECT, settings.call_timeout / 2),
        connections=settings.concurrency * WorkerConfig().lanes,
        key_lifetime=key_lifetime(settings),
    )
    if settings.sender_name in BY_API:
        async with build_provider(settings, config, letters, clock) as provider:
            yield provider
        return
    if settings.provider_batch:
        async with HttpBatchSender(config, settings.provider_batch, clock) as many:
            yield FillingSender(many, letters)
        return
    async with HttpSender(config, clock) as single:
        yield FillingSender(OneByOne(single), letters)
