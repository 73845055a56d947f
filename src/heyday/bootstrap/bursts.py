"""Build what bounds how much a provider, and a recipient's domain, get."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from heyday.db.connection import Database
from heyday.db.day_counts import PostgresDays
from heyday.db.pacing import PostgresPace
from heyday.domain.pace import PacePolicy
from heyday.domain.ports import BatchSender, Clock
from heyday.services.domain_limits import DomainLimitedSender, DomainQuota, pace_name
from heyday.settings import Settings
from heyday.settings.bursts import parse_limits
from heyday.telemetry import Metrics

# Batches of the queue are due at whole seconds: so what was put off finds a second's worth.
_SLICE = timedelta(seconds=1)


def build_days(settings: Settings, database: Database, provider: str) -> PostgresDays | None:
    """Return what counts a provider's days, if anything caps them."""
    cap = settings.day_cap
    return PostgresDays(database, provider, cap) if cap else None


def limit_domains(
    settings: Settings,
    senders: Mapping[str, BatchSender],
    database: Database,
    clock: Clock,
    metrics: Metrics,
) -> dict[str, DomainLimitedSender]:
    """Return senders behind the limits of recipients' domains, by name; none without limits."""
    limits = parse_limits(settings.domain_limits)
    limited = {}
    for provider, sender in senders.items() if limits else ():
        quotas: dict[str, DomainQuota] = {}
        for limit in limits:
            policy = PacePolicy(limit.rate, slice=_SLICE)
            # No recipient's server answers us by itself, so nobody has news of it.
            pace = PostgresPace(database, asyncio.Event(), pace_name(provider, limit), policy)
            quota = DomainQuota(
                provider=provider, limit=limit, pace=pace, clock=clock, metrics=metrics
            )
            quotas |= dict.fromkeys(limit.domains, quota)
        limited[provider] = DomainLimitedSender(sender, quotas)
    return limited
