"""Accept every letter, and remember when it left."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import Clock, Sender

_ACCEPTED = Outcome(OutcomeKind.ACCEPTED)


class Letter(NamedTuple):
    """Say what left, by its idempotency key, and when by the clock of the simulation."""

    key: str
    left_at: datetime


@dataclass(frozen=True, slots=True)
class RecordingSender:
    """Stand in for a provider that takes everything (ports.Sender)."""

    clock: Clock
    letters: list[Letter]

    @property
    def key_lifetime(self) -> timedelta | None:
        """Tell that keys are not looked at, so that a second letter shows."""
        return None

    async def send(self, message: ClaimedMessage) -> Outcome:
        """Note the letter."""
        self.letters.append(Letter(message.idempotency_key, self.clock.now()))
        return _ACCEPTED

    def make_ready(self, calls: int) -> None:
        """Do nothing."""


class OpenGate:
    """Let every call through at once (gate_ports.Gate): asking how many may be made is no work."""

    async def wait_until_open(self) -> None:
        """Return at once."""

    async def admit(self, patience: timedelta, wanted: int = 1) -> int:  # noqa: ARG002 - the port's
        """Let all through."""
        return wanted

    def room(self) -> float:
        """Tell that there is always room."""
        return math.inf

    def note(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Return the outcomes as they are."""
        return outcomes

    def stop(self) -> None:
        """Do nothing: nobody waits."""


@dataclass(frozen=True, slots=True)
class WatchedSender:
    """Pass letters on, and tell of each that was not accepted: it may come again soon."""

    sender: Sender
    on_trouble: Callable[[], None]

    @property
    def key_lifetime(self) -> timedelta | None:
        """Tell what the provider does with keys."""
        return self.sender.key_lifetime

    async def send(self, message: ClaimedMessage) -> Outcome:
        """Make one attempt."""
        outcome = await self.sender.send(message)
        if outcome.kind is not OutcomeKind.ACCEPTED:
            self.on_trouble()
        return outcome

    def make_ready(self, calls: int) -> None:
        """Pass it on."""
        self.sender.make_ready(calls)
