"""Stand before a provider: let calls through at its pace, and none while it is down."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

import structlog

from heyday.domain.breaker import Breaker, BreakerState
from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.gate_ports import SharedPace
from heyday.domain.ports import Clock
from heyday.services.allotment import Allotment
from heyday.telemetry import Metrics

log = structlog.get_logger()

# Less may be no time at all to a clock that counts microseconds, and then nobody else's turn.
_SHORTEST_PAUSE = timedelta(milliseconds=1)
_SHORTEST_LEAVE = 1.0
_LONGEST_LEAVE = 60.0
_NOT_CALLED = frozenset({OutcomeKind.NOT_TRIED, OutcomeKind.FORGOTTEN})
_UNSURE = frozenset({OutcomeKind.NOT_ACCEPTED, OutcomeKind.AMBIGUOUS})
_LEVELS = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}


class HeldBy(StrEnum):
    """Say what keeps a call from being made."""

    BREAKER = "breaker"
    PACE = "pace"


_REASONS = {
    HeldBy.BREAKER: "the provider fails again and again, and is left alone",
    HeldBy.PACE: "the provider's rate limit left no call for this one",
}


def _trouble_of(outcome: Outcome) -> Trouble | None:
    if outcome.trouble is None and outcome.kind in _UNSURE:
        return Trouble.PROVIDER
    return outcome.trouble


class ProviderGate:
    """Join breaker and pace for one provider, in one process.

    Await `wait_until_open` before greetings are claimed and `admit` before each call; call `note`
    after each call that was admitted, with an outcome for each greeting in it. `stop` lets nobody
    wait any longer; `close` at the end.
    """

    def __init__(
        self, *, provider: str, breaker: Breaker, pace: SharedPace, clock: Clock, metrics: Metrics
    ) -> None:
        self._provider = provider
        self._breaker = breaker
        self._clock = clock
        self._metrics = metrics
        self._changed = asyncio.Event()
        self._is_stopping = False
        self._waiting = 0
        self._allotment = Allotment(
            provider=provider, pace=pace, clock=clock, metrics=metrics, changed=self._announce
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
            await self._pause(seconds)

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
                await self._pause(min(seconds, deadline - now))
        finally:
            self._waiting -= wanted

    def room(self) -> float:
        """Return how many greetings might be sent now: infinity while the provider is well.

        One where a probe is due, none while it is left alone.
        """
        now = self._clock.monotonic()
        if self._allotment.left_of_block(now) > 0:
            return 0
        return math.inf if self._breaker.state is BreakerState.CLOSED else self._breaker.room(now)

    def note(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Take in what came of a call, by greeting; return it, marked if it was a probe.

        One sign of life among them is one of the provider's.
        """
        now = self._clock.monotonic()
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
            self._announce()
        is_probe = before is BreakerState.HALF_OPEN and is_failure
        return [replace(outcome, is_probe=True) for outcome in outcomes] if is_probe else outcomes

    def stop(self) -> None:
        """Let nobody wait any longer: what cannot be called now is not called."""
        self._is_stopping = True
        self._announce()

    async def close(self) -> None:
        """End what goes on in the background."""
        await self._allotment.close()

    def _admit_now(self, now: float, wanted: int) -> int | HeldBy:
        """Admit greetings to one call, or say what keeps it."""
        room = self._breaker.room(now)
        if not room:
            return HeldBy.BREAKER
        admitted = self._allotment.spend(now, int(min(wanted, room)))
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
        return now < deadline and now + self._allotment.wait(now) <= deadline

    def _until_next_look(self, held: HeldBy, now: float) -> float:
        """Return the seconds after which to look again even if nothing is announced."""
        if held is HeldBy.BREAKER:
            return self._breaker.wait(now)
        return self._allotment.wait(now) or _LONGEST_LEAVE

    def _refusal(self, held: HeldBy, now: float) -> Outcome:
        if held is HeldBy.PACE:
            leave = self._allotment.wait_of_many(now, self._waiting)
        elif self._breaker.hangs_on_answer(now):
            leave = self._breaker.pause.total_seconds()
        else:
            leave = self._breaker.wait(now)
        return Outcome(
            OutcomeKind.NOT_TRIED,
            error=_REASONS[held],
            retry_after=timedelta(seconds=min(max(leave, _SHORTEST_LEAVE), _LONGEST_LEAVE)),
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

    def _announce(self) -> None:
        """Wake everybody who waits here."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _pause(self, seconds: float) -> None:
        """Return when something was announced, or after so long."""
        at = self._clock.now() + max(timedelta(seconds=seconds), _SHORTEST_PAUSE)
        waits = {
            asyncio.ensure_future(self._changed.wait()),
            asyncio.ensure_future(self._clock.sleep_until(at)),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
