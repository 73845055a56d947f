"""A provider: what it accepts, what it answers, and how long it knows a key."""

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from heyday.domain.models import ClaimedMessage
from heyday.senders.answers import Answer
from tests.model.clockwork import World
from tests.model.rows import MessageRow


class Act(StrEnum):
    """What the provider does with one request."""

    OK = "ok"
    REFUSE = "refuse"
    BUSY = "busy"
    BUSY_LONG = "busy for ten minutes"
    SUCCESS_FALSE = "success false"
    ERROR = "error"
    ERROR_ACCEPTED = "error, accepted"
    GARBAGE_ACCEPTED = "garbage, accepted"
    HANG = "hang"
    HANG_ACCEPTED = "hang, accepted"
    HANG_ACCEPTED_LATE = "hang, accepted half a minute later"
    NOT_CONNECTED = "not connected"


ACCEPTING = frozenset({Act.OK, Act.ERROR_ACCEPTED, Act.GARBAGE_ACCEPTED, Act.HANG_ACCEPTED})
HANGING = frozenset({Act.HANG, Act.HANG_ACCEPTED, Act.HANG_ACCEPTED_LATE})
LATE = timedelta(seconds=30)
BUSY_LONG_CODE = 425
"""Tells in the row that the provider asked for BUSY_LONG."""
BUSY_LONG = timedelta(minutes=10)

_ANSWERS = {
    Act.OK: Answer(200, b'{"success": true, "id": "m-1"}'),
    Act.REFUSE: Answer(422, b"{}"),
    Act.BUSY: Answer(429, b"{}"),
    Act.BUSY_LONG: Answer(BUSY_LONG_CODE, b"{}", retry_after="600"),
    Act.SUCCESS_FALSE: Answer(200, b'{"success": false}'),
    Act.ERROR: Answer(503, b""),
    Act.ERROR_ACCEPTED: Answer(500, b""),
    Act.GARBAGE_ACCEPTED: Answer(200, b"<html>"),
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that reached the provider.

    row: its greeting, as it was stored then.   is_delayed: its process froze when it was about to
    send it.
    """

    message: ClaimedMessage
    at: datetime
    row: MessageRow
    is_delayed: bool


class ModelProvider:
    """Do with each request what is next in the script, and remember what came.

    key_lifetime: for how long it takes a repeated key for the first request; None: it looks at no
    key.
    """

    def __init__(self, world: World, key_lifetime: timedelta | None) -> None:
        self._clock = world.clock
        self._network = world.make_loop()
        self._script: deque[Act] = deque()
        self._known: dict[str, tuple[datetime, str]] = {}
        self.key_lifetime = key_lifetime
        self.is_down = False
        self.arrivals: list[Arrival] = []
        self.accepted: defaultdict[str, list[datetime]] = defaultdict(list)
        self.broken: list[str] = []

    def script(self, acts: list[Act]) -> None:
        self._script.extend(acts)

    def heal(self) -> None:
        self._script.clear()
        self.is_down = False

    def take(self, message: ClaimedMessage, row: MessageRow, *, is_delayed: bool) -> Act:
        """Take one request; return what is done with it."""
        act = self._script.popleft() if self._script else Act.OK
        if self.is_down or act is Act.NOT_CONNECTED:
            return Act.NOT_CONNECTED
        self.arrivals.append(Arrival(message, self._clock.now(), row, is_delayed))
        if act in ACCEPTING:
            self._accept(message)
        elif act is Act.HANG_ACCEPTED_LATE:
            self._network.call_later(LATE.total_seconds(), self._accept, message)
        return act

    def answer(self, act: Act) -> Answer:
        return _ANSWERS[act]

    def _accept(self, message: ClaimedMessage) -> None:
        now, key = self._clock.now(), message.idempotency_key
        known_at, text = self._known.get(key, (None, ""))
        if self.key_lifetime and known_at and now - known_at < self.key_lifetime:
            if text != message.text:
                self.broken.append(f"{key} came with another text than the first time")
            return
        self._known[key] = now, message.text
        self.accepted[key].append(now)
