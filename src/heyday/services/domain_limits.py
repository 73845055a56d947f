"""Let the recipients of a domain get no more than so many greetings a second.

It stands before every sender. What is over a limit is put off, and holds up nobody else.
Source: docs/adr/0043-bursts.md.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.domain_limits import DomainLimit, domain_of
from heyday.domain.gate_ports import SharedPace
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import BatchSender, Clock
from heyday.services.allotment import Allotment
from heyday.services.bell import Bell
from heyday.services.passing import PassingOn
from heyday.telemetry import Metrics

# So long an answer of PostgreSQL is waited for, and no token: others of the batch wait meanwhile.
_PATIENCE = 1.0
_SHORTEST_LEAVE = 1.0
_REASON = "the limit of the address's domain left no call for this one"


class DomainQuota:
    """Hold this process's share of one limit, and give places in time to what is over it.

    pace: of this domain alone.
    """

    def __init__(
        self,
        *,
        provider: str,
        limit: DomainLimit,
        pace: SharedPace,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._metrics = metrics
        self._bell = Bell(clock)
        self._waiting = 0
        self._booked_until = 0.0
        self._allotment = Allotment(
            provider=pace_name(provider, limit),
            pace=pace,
            clock=clock,
            metrics=metrics,
            changed=self._bell.ring,
        )

    async def admit(self, wanted: int) -> int:
        """Return how many of `wanted` greetings may leave now."""
        deadline = self._clock.monotonic() + _PATIENCE
        admitted = 0
        self._waiting += wanted
        try:
            while True:
                now = self._clock.monotonic()
                admitted += self._allotment.spend(now, wanted - admitted)
                if admitted == wanted or self._allotment.wait(now) > 0 or now >= deadline:
                    return admitted
                self._allotment.ask(now, self._waiting)
                await self._bell.wait(deadline - now)
        finally:
            self._waiting -= wanted

    def put_off(self) -> Outcome:
        """Return the outcome of a greeting that is over the limit: when its turn should be.

        By this process's reckoning alone: where others have taken its place, it is put off again.
        """
        self._metrics.domain_put_off.labels(self._limit.name).inc()
        now = self._clock.monotonic()
        self._booked_until = max(self._booked_until, now) + 1 / self._limit.rate
        seconds = max(self._booked_until - now, _SHORTEST_LEAVE)
        leave = timedelta(seconds=seconds)
        return Outcome(OutcomeKind.NOT_TRIED, error=_REASON, retry_after=leave)

    async def close(self) -> None:
        """End what it asks."""
        await self._allotment.close()


def pace_name(provider: str, limit: DomainLimit) -> str:
    """Return what a limit is called where paces are kept and shown."""
    return f"{provider} to {limit.name}"


class DomainLimitedSender(PassingOn):
    """Pass on what may leave now, and put off the rest (ports.BatchSender).

    quotas: by domain; several may share one.
    """

    def __init__(self, sender: BatchSender, quotas: Mapping[str, DomainQuota]) -> None:
        super().__init__(sender)
        self._quotas = quotas

    async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        """Make one attempt at each that may leave now; the outcomes come in the order of all."""
        quotas = [self._quotas.get(domain_of(message.email) or "") for message in messages]
        put_off = await self._put_off(quotas)
        if not put_off:
            return await self.sender.send_many(messages)
        leaving = [message for i, message in enumerate(messages) if i not in put_off]
        sent = await self.sender.send_many(leaving) if leaving else []
        if sent and sent[0].is_of_batch:
            # It goes again in halves, with those that are put off here.
            return [sent[0]] * len(messages)
        outcomes = iter(sent)
        return [put_off.get(i) or next(outcomes) for i in range(len(messages))]

    async def close(self) -> None:
        """End what the limits ask."""
        for quota in set(self._quotas.values()):
            await quota.close()

    async def _put_off(self, quotas: Sequence[DomainQuota | None]) -> dict[int, Outcome]:
        """Return what becomes of those over their limits, by their places: the last of each."""
        wanted = Counter(quota for quota in quotas if quota)
        if not wanted:
            return {}
        admitted = await asyncio.gather(*(quota.admit(n) for quota, n in wanted.items()))
        left = dict(zip(wanted, admitted, strict=True))
        put_off = {}
        for place, quota in enumerate(quotas):
            if quota is None:
                continue
            if left[quota]:
                left[quota] -= 1
            else:
                put_off[place] = quota.put_off()
        return put_off
