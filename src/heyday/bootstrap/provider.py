"""Build what talks to the provider, and what decides after it has answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from heyday.db.inbox import InboxRepository
from heyday.domain.delivery import AmbiguityPolicy, DeliveryPolicy
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.ports import Clock, Sender
from heyday.domain.retry import RetryPolicy
from heyday.senders.http import HttpConfig, HttpSender
from heyday.senders.inbox import InboxSender
from heyday.settings import Settings
from heyday.settings.choices import SenderName
from heyday.workers.message import WorkerConfig

_LONGEST_CONNECT = timedelta(seconds=3)


def delivery_policy(settings: Settings, sender: Sender) -> DeliveryPolicy:
    """Return what follows an attempt, by its outcome."""
    held = [t.name for t in MESSAGE_TYPES if settings.ambiguity(t.name) is AmbiguityPolicy.HOLD]
    return DeliveryPolicy(RetryPolicy(settings.max_retries), sender.key_lifetime, frozenset(held))


@asynccontextmanager
async def open_sender(
    settings: Settings, inbox: InboxRepository, clock: Clock
) -> AsyncIterator[Sender]:
    """Lend the sender in force."""
    if settings.sender_name is SenderName.INBOX:
        yield InboxSender(inbox, clock)
        return
    config = HttpConfig(
        url=settings.email_service_url or "",
        timeout=settings.call_timeout,
        connect_timeout=min(_LONGEST_CONNECT, settings.call_timeout / 2),
        connections=settings.concurrency * WorkerConfig().lanes,
        key_lifetime=settings.provider_key_lifetime if settings.provider_honours_keys else None,
    )
    async with HttpSender(config, clock) as sender:
        yield sender
