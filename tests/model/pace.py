"""The pace that all processes share, with the real policy (gate_ports.SharedPace)."""

from datetime import timedelta

from heyday.domain.pace import Grant, Pace, PacePolicy
from tests.model.clockwork import ModelClock

_POLICY = PacePolicy()


class ModelPaces:
    """Keep the state of the provider's bucket, and tell all processes of each slowing down."""

    def __init__(self, clock: ModelClock) -> None:
        self.clock = clock
        self.pace: Pace | None = None
        self.news = 0


class ModelPace:
    """Take tokens for one process."""

    def __init__(self, shared: ModelPaces) -> None:
        self._shared = shared
        self._heard = 0

    def has_news(self) -> bool:
        return self._heard != self._shared.news

    async def take(self, wanted: int) -> Grant:
        self._heard = self._shared.news
        if self._shared.pace is None:
            return Grant(wanted, timedelta(), None)
        now = self._shared.clock.now()
        self._shared.pace, grant = _POLICY.take(self._shared.pace, wanted, now)
        return grant

    async def slow_down(self, observed: float, retry_after: timedelta | None) -> Grant:
        now = self._shared.clock.now()
        pace = self._shared.pace or _POLICY.start(now)
        self._shared.pace, grant = _POLICY.slow_down(pace, observed, retry_after, now)
        self._shared.news += 1
        return grant
