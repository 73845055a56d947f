"""A provider: what it accepts, what it answers, and how long it knows a key."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

import msgspec

from heyday.domain.delivery import Outcome
from heyday.domain.models import ClaimedMessage
from heyday.senders.answers import Answer, judge
from heyday.senders.batch_answers import judge_batch
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

# What may be done with one message in a batch; the rest is done with all in it.
_OF_ONE = frozenset(
    {Act.OK, Act.REFUSE, Act.BUSY, Act.SUCCESS_FALSE, Act.ERROR, Act.ERROR_ACCEPTED}
)

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
    send it.   is_refused_whole: it came in a batch that was refused as a whole, which may go again
    in parts.
    """

    message: ClaimedMessage
    at: datetime
    row: MessageRow
    is_delayed: bool
    is_refused_whole: bool


class ModelProvider:
    """Do with each request what is next in the script, and remember what came.

    key_lifetime: for how long it takes a repeated key for the first request; None: it looks at no
    key.   batch_size: how many messages it takes by one request.
    """

    def __init__(self, world: World, key_lifetime: timedelta | None, batch_size: int) -> None:
        self._clock = world.clock
        self._network = world.make_loop()
        self._script: deque[Act] = deque()
        self._known: dict[str, tuple[datetime, str]] = {}
        self.key_lifetime = key_lifetime
        self.batch_size = batch_size
        self.is_down = False
        self.arrivals: list[Arrival] = []
        self.accepted: defaultdict[str, list[datetime]] = defaultdict(list)
        self.broken: list[str] = []

    def script(self, acts: list[Act]) -> None:
        self._script.extend(acts)

    def heal(self) -> None:
        self._script.clear()
        self.is_down = False

    def take(
        self, messages: Sequence[ClaimedMessage], rows: Sequence[MessageRow], *, is_delayed: bool
    ) -> list[Act]:
        """Take one request; return what is done with each message in it."""
        acts = [self._next()] * len(messages)
        if self.is_down or acts[0] is Act.NOT_CONNECTED:
            return [Act.NOT_CONNECTED] * len(messages)
        if acts[0] in _OF_ONE:
            others = [self._next() for _ in messages[1:]]
            acts[1:] = [act if act in _OF_ONE else Act.OK for act in others]
        is_whole = len(messages) > 1 and set(acts) == {Act.REFUSE}
        for message, row, act in zip(messages, rows, acts, strict=True):
            self.arrivals.append(Arrival(message, self._clock.now(), row, is_delayed, is_whole))
            if act in ACCEPTING:
                self._accept(message)
            elif act is Act.HANG_ACCEPTED_LATE:
                self._network.call_later(LATE.total_seconds(), self._accept, message)
        return acts

    def judge(self, acts: Sequence[Act], messages: Sequence[ClaimedMessage]) -> list[Outcome]:
        """Answer, and return what the real sender makes of it."""
        now, honours_keys = self._clock.now(), self.key_lifetime is not None
        answer = _ANSWERS[acts[0]]
        if self.batch_size == 1:
            return [judge(answer, messages[0], now, honours_keys=honours_keys)]
        is_of_each = len(set(acts)) > 1 or answer.status == HTTPStatus.OK
        if is_of_each and acts[0] is not Act.GARBAGE_ACCEPTED:
            items = (
                {"status": each.status, **_read(each)} for each in map(_ANSWERS.__getitem__, acts)
            )
            answer = Answer(HTTPStatus.OK, msgspec.json.encode({"results": list(items)}))
        return judge_batch(answer, messages, now, honours_keys=honours_keys)

    def _next(self) -> Act:
        return self._script.popleft() if self._script else Act.OK

    def _accept(self, message: ClaimedMessage) -> None:
        now, key = self._clock.now(), message.idempotency_key
        known_at, text = self._known.get(key, (None, ""))
        if self.key_lifetime and known_at and now - known_at < self.key_lifetime:
            if text != message.text:
                self.broken.append(f"{key} came with another text than the first time")
            return
        self._known[key] = now, message.text
        self.accepted[key].append(now)


def _read(answer: Answer) -> dict[str, object]:
    return msgspec.json.decode(answer.body, type=dict[str, object]) if answer.body else {}
