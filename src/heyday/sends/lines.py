"""Write and read the lines of a ledger of sends: JSON, with ids and instants alone."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from uuid import UUID

import msgspec

from heyday.domain.models import ClaimedMessage, Recorded
from heyday.domain.send_ports import SeenClaim, SeenRun

_Places = Mapping[UUID, tuple[int, int]]


class Group(msgspec.Struct, frozen=True):
    """Hold greetings of a batch that differ by their people alone."""

    type: str
    on: date
    due: datetime
    epoch: int
    sender: str | None
    users: list[UUID]

    @property
    def claims(self) -> Iterator[SeenClaim]:
        """Yield them."""
        for user in self.users:
            yield SeenClaim(f"{user}:{self.type}:{self.on}", self.due, self.epoch)


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one line.

    begun: calls that are about to be made, under a number of this writer's.   ended: by outcome,
    the places in the batch of that number.   run: a run of a job that the database has.
    """

    at: datetime
    n: int = 0
    begun: list[Group] = []
    ended: dict[str, list[int]] = {}
    run: tuple[int, datetime] | None = None

    @property
    def seen_run(self) -> SeenRun | None:
        """Return the run."""
        return SeenRun(*self.run) if self.run else None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


def encode(line: Line) -> bytes:
    """Return the bytes of a line, with its end."""
    return _encode(line) + b"\n"


def decode(data: bytes) -> Line | None:
    """Return the line; None where it cannot be read."""
    try:
        return _decode(data)
    except msgspec.MsgspecError:
        return None


def begin(
    messages: Sequence[ClaimedMessage], n: int, at: datetime
) -> tuple[Line, dict[UUID, tuple[int, int]]]:
    """Return the line for calls that are about to be made, and where in it each greeting is."""
    ordered = sorted(messages, key=_shared)
    groups = []
    for (kind, on, due, epoch, sender), some in groupby(ordered, key=_shared):
        users = [message.user_id for message in some]
        groups.append(Group(kind, date.fromisoformat(on), due, epoch, sender or None, users))
    places = {message.id: (n, place) for place, message in enumerate(ordered)}
    return Line(at, n, begun=groups), places


def end(outcomes: Sequence[Recorded], places: _Places, at: datetime) -> list[Line]:
    """Return a line for each batch that these outcomes are of."""
    by_batch: dict[int, dict[str, list[int]]] = {}
    for outcome in outcomes:
        n, place = places[outcome.message_id]
        by_batch.setdefault(n, {}).setdefault(outcome.outcome, []).append(place)
    return [Line(at, n, ended=ended) for n, ended in by_batch.items()]


def _shared(message: ClaimedMessage) -> tuple[str, str, datetime, int, str]:
    """Return what greetings of a group have in common."""
    on = message.idempotency_key[-len("2027-01-14") :]
    sender = message.sender or ""
    return message.message_type, on, message.scheduled_send_at, message.epoch, sender
