"""Stand before a provider: let calls through at its pace, and none while it is down."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

import structlog

from heyday.domain.breaker import Breaker, BreakerState
from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.gate_ports import SharedDays, SharedPace
from heyday.domain.ports import Clock
from heyday.services.allotment import Allotment
from heyday.services.bell import Bell
from heyday.services.day_quota import DayQuota
from heyday.telemetry import Metrics

log = structlog.get_logger()

_SHORTEST_LEAVE = 1.0
_LONGEST_LEAVE = 60.0
_NOT_CALLED = frozenset({OutcomeKind.NOT_TRIED, OutcomeKind.FORGOTTEN})
_UNSURE = frozenset({OutcomeKind.NOT_ACCEPTED, OutcomeKind.AMBIGUOUS})
_LEVELS = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}


class HeldBy(StrEnum):
    """Say what keeps a call from being made."""

    BREAKER = "breaker"
    CAP = "cap"
    PACE = "pace"


_REASONS = {
    HeldBy.BREAKER: "the provider fails again and again, and is left alone",
    HeldBy.CAP: "the day's cap was reached; the next day of UTC opens it",
    HeldBy.PACE: "the provider's rate limit left no call for this one",
}


def _trouble_of(outcome: Outcome) -> Trouble | None:
    if outcome.trouble is None and outcome.kind in _UNSURE:
        return Trouble.PROVIDER
    return outcome.trouble


def _has_reached(outcome: Outcome) -> bool:
    """Tell whether the provider may have counted an attempt: a batch it refuses goes again."""
    if outcome.kind in _NOT_CALLED or outcome.is_of_batch:
        return False
    is_answered = outcome.code is not None
    return is_answered or outcome.kind in {OutcomeKind.ACCEPTED, OutcomeKind.AMBIGUOUS}


class ProviderGate:
    """Join breaker, day's cap and pace for one provider, in one process.

    Await `wait_until_open` before greetings are claimed and `admit` before each call; call `note`
    after each call that was admitted, with an outcome for each greeting in it. `stop` lets nobody
    wait any longer; `close` at the end.   days: None where no cap is set.
    """

    def __init__(  # noqa: PLR0913 - one parameter for each part that it joins
        self,
        *,
        provider: str,
        breaker: Breaker,
        pace: SharedPace,
        clock: Clock,
        metrics: Metrics,
        days: SharedDays | None = None,
    ) -> None:
        self._provider = provider
        self._breaker = breaker
        self._clock = clock
        self._metrics = metrics
        self._bell = Bell(clock)
        self._is_stopping = False
        self._waiting = 0
        ring = self._bell.ring
        self._allotment = Allotment(
            provider=provider, pace=pace, clock=clock, metrics=metrics, changed=ring
        )
        self._quota = (
            DayQuota(provider=provider, days=days, clock=clock, metrics=metrics, changed=ring)
            if days
            else None
        )
        self._show(breaker.state)

    async def wait_until_open(self) -> None:
        """Return when a call may be made: the provider is well, or it is time to try it again.

        Or when it is stopped.
        """
        while not self._is_stopping:
            now = self._clock.monotonic()
            seconds = max(self._breaker.wait(now), self._allotment.left_of_block(now))
            # Asked for here and not when the first call is due: that one should leave on time.
            if not self._allotment.is_known(now):
                seconds = _LONGEST_LEAVE
            if seconds <= 0:
                return
            await self._bell.wait(seconds)

    async def admit(self, patience: timedelta, wanted: int = 1) -> int | Outcome:
        """Return how many of `wanted` greetings are to be sent now, by one call: one at least.

        It may take up to `patience` to tell. Else the outcome of a call that is not made:
        NOT_TRIED, and for how long to leave it.
        """
        deadline = self._clock.monotonic() + patience.total_seconds()
        self._waiting += wanted
        was_held = False
        try:
            while True:
                admitted = self._admit_now(now := self._clock.monotonic(), wanted)
                if not isinstance(admitted, HeldBy):
                    return admitted
                if not was_held:
                    self._metrics.held_back.labels(self._provider, admitted.value).inc()
                    was_held = True
                if not self._is_worth_waiting(admitted, now, deadline):
                    return self._refusal(admitted, now)
                seconds = self._until_next_look(admitted, now)
                await self._bell.wait(min(seconds, deadline - now))
        finally:
            self._waiting -= wanted

    def room(self) -> float:
        """Return how many greetings might be sent now: infinity while the provider is well.

        One where a probe is due, none while it is left alone, or its day is over.
        """
        now = self._clock.monotonic()
        if self._allotment.left_of_block(now) > 0 or (self._quota and self._quota.opens_in() > 0):
            return 0
        return math.inf if self._breaker.state is BreakerState.CLOSED else self._breaker.room(now)

    def note(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Take in what came of a call, by greeting; return it, marked if it was a probe.

        One sign of life among them is one of the provider's.
        """
        now = self._clock.monotonic()
        if self._quota:
            unused = sum(not _has_reached(outcome) for outcome in outcomes)
            self._quota.note(len(outcomes), unused)
        if self._allotment.is_limited:
            untried = sum(outcome.kind in _NOT_CALLED for outcome in outcomes)
            self._allotment.unspend(now, untried)
        troubles = {_trouble_of(outcome) for outcome in outcomes if outcome.kind not in _NOT_CALLED}
        if Trouble.PACE in troubles:
            waits = [o.retry_after for o in outcomes if o.trouble is Trouble.PACE and o.retry_after]
            self._allotment.slow_down(now, max(waits, default=None))
        troubles.discard(Trouble.PACE)
        is_failure = None not in troubles if troubles else None
        before, was_held = self._breaker.state, self._breaker.wait(now) > 0
        self._breaker.note(now, is_failure=is_failure, attempts=len(outcomes))
        self._tell(before)
        if was_held or self._breaker.state is not before:
            self._bell.ring()
        is_probe = before is BreakerState.HALF_OPEN and is_failure
        return [replace(outcome, is_probe=True) for outcome in outcomes] if is_probe else outcomes

    def stop(self) -> None:
        """Let nobody wait any longer: what cannot be called now is not called."""
        self._is_stopping = True
        self._bell.ring()

    async def close(self) -> None:
        """End what goes on in the background."""
        await self._allotment.close()
        if self._quota:
            await self._quota.close()

    def _admit_now(self, now: float, wanted: int) -> int | HeldBy:
        """Admit greetings to one call, or say what keeps it."""
        room = self._breaker.room(now)
        if not room:
            return HeldBy.BREAKER
        wanted = int(min(wanted, room))
        if self._quota and not (wanted := self._quota.spend(wanted)):
            self._quota.ask(self._waiting)
            return HeldBy.CAP
        admitted = self._allotment.spend(now, wanted)
        if self._quota and admitted < wanted:
            self._quota.unspend(wanted - admitted)
        if not admitted:
            self._allotment.ask(now, self._waiting)
            return HeldBy.PACE
        before = self._breaker.state
        self._breaker.admit(now, admitted)
        self._tell(before)
        return admitted

    def _is_worth_waiting(self, held: HeldBy, now: float, deadline: float) -> bool:
        if self._is_stopping:
            return False
        if held is HeldBy.BREAKER:
            return now < deadline and self._breaker.hangs_on_answer(now)
        return now < deadline and now + self._wait(held, now) <= deadline

    def _until_next_look(self, held: HeldBy, now: float) -> float:
        """Return the seconds after which to look again even if nothing is announced."""
        if held is HeldBy.BREAKER:
            return self._breaker.wait(now)
        return self._wait(held, now) or _LONGEST_LEAVE

    def _wait(self, held: HeldBy, now: float) -> float:
        """Return the seconds until the pace, or the cap, may let more through."""
        if held is HeldBy.CAP and self._quota:
            return self._quota.opens_in()
        return self._allotment.wait(now)

    def _refusal(self, held: HeldBy, now: float) -> Outcome:
        longest = _LONGEST_LEAVE
        if held is HeldBy.CAP and self._quota:
            leave = longest = max(self._quota.leave(), _SHORTEST_LEAVE)
        elif held is HeldBy.PACE:
            leave = self._allotment.wait_of_many(now, self._waiting)
        elif self._breaker.hangs_on_answer(now):
            leave = self._breaker.pause.total_seconds()
        else:
            leave = self._breaker.wait(now)
        return Outcome(
            OutcomeKind.NOT_TRIED,
            error=_REASONS[held],
            retry_after=timedelta(seconds=min(max(leave, _SHORTEST_LEAVE), longest)),
        )

    def _tell(self, before: BreakerState) -> None:
        """Log and count a change of the breaker's state."""
        state = self._breaker.state
        if state is before:
            return
        self._show(state)
        if state is BreakerState.OPEN:
            self._metrics.breaker_openings.labels(self._provider).inc()
            seconds = self._breaker.pause.total_seconds()
            log.warning("provider_left_alone", provider=self._provider, seconds=seconds)
        elif state is BreakerState.CLOSED:
            log.info("provider_back", provider=self._provider)

    def _show(self, state: BreakerState) -> None:
        self._metrics.breaker_state.labels(self._provider).set(_LEVELS[state])
