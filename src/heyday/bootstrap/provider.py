"""Build what talks to the provider, what stands before it, and what decides after its answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from heyday.db.connection import Database
from heyday.db.inbox import InboxRepository
from heyday.db.pacing import PostgresPace
from heyday.domain.breaker import Breaker, BreakerConfig
from heyday.domain.delivery import AmbiguityPolicy, DeliveryPolicy
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.pace import PacePolicy
from heyday.domain.ports import BatchSender, Clock
from heyday.domain.retry import RetryPolicy
from heyday.senders.calls import HttpConfig
from heyday.senders.http import HttpSender
from heyday.senders.http_batch import HttpBatchSender
from heyday.senders.inbox import InboxSender
from heyday.services.gate import ProviderGate
from heyday.services.leases import LeaseConfig
from heyday.services.one_by_one import OneByOne
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
    return replace(config, flush_size=max(config.flush_size, settings.provider_batch))


def build_gate(
    settings: Settings, database: Database, news: asyncio.Event, clock: Clock, metrics: Metrics
) -> ProviderGate:
    """Return what stands before the provider. news: set when another worker has slowed down."""
    provider = settings.sender_name.value
    return ProviderGate(
        provider=provider,
        breaker=Breaker(BreakerConfig(settings.breaker_failures)),
        pace=PostgresPace(database, news, provider, PacePolicy(settings.rate_limit or None)),
        clock=clock,
        metrics=metrics,
    )


@asynccontextmanager
async def open_sender(
    settings: Settings, inbox: InboxRepository, clock: Clock
) -> AsyncIterator[BatchSender]:
    """Lend the sender in force."""
    if settings.sender_name is SenderName.INBOX:
        yield OneByOne(InboxSender(inbox, clock))
        return
    config = HttpConfig(
        url=settings.email_service_url or "",
        timeout=settings.call_timeout,
        connect_timeout=min(_LONGEST_CONNECT, settings.call_timeout / 2),
        connections=settings.concurrency * WorkerConfig().lanes,
        key_lifetime=settings.provider_key_lifetime if settings.provider_honours_keys else None,
    )
    if settings.provider_batch:
        async with HttpBatchSender(config, settings.provider_batch, clock) as many:
            yield many
        return
    async with HttpSender(config, clock) as single:
        yield OneByOne(single)
