"""Hold the statuses of a greeting and every legal move between them.

Source: DESIGN section 4. Each SQL statement that moves a status names its moves in a `-- moves:`
line, and a test holds those lines against this table.
"""

from collections.abc import Mapping
from enum import StrEnum

from heyday.domain.errors import IllegalMove


class Status(StrEnum):
    """Say where a greeting is on its way."""

    SCHEDULED = "SCHEDULED"
    QUEUED = "QUEUED"
    SENDING = "SENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    RETRYING = "RETRYING"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"
    UNKNOWN = "UNKNOWN"


PENDING = frozenset({Status.SCHEDULED, Status.QUEUED, Status.RETRYING})
"""Not yet with a provider: an edit of the person may still change or cancel these."""

IN_FLIGHT = PENDING | {Status.SENDING}
"""Not yet at an end."""

_STOPPED_BEFORE_SENDING = frozenset({Status.CANCELLED, Status.SKIPPED})

# SCHEDULED appears as a target of the pending ones because an edit moves their instant; of
# CANCELLED because an edit may be taken back. What FAILED and was surely never taken a person may
# have tried once more, as when its address was wrong and is right now.
LEGAL_MOVES: Mapping[Status, frozenset[Status]] = {
    Status.SCHEDULED: frozenset({Status.SCHEDULED, Status.QUEUED}) | _STOPPED_BEFORE_SENDING,
    Status.QUEUED: frozenset({Status.SCHEDULED, Status.QUEUED, Status.SENDING})
    | _STOPPED_BEFORE_SENDING,
    Status.SENDING: frozenset({Status.SENT, Status.FAILED, Status.RETRYING, Status.UNKNOWN}),
    Status.RETRYING: frozenset({Status.SCHEDULED, Status.QUEUED}) | _STOPPED_BEFORE_SENDING,
    Status.CANCELLED: frozenset({Status.SCHEDULED}),
    Status.UNKNOWN: frozenset({Status.SENT, Status.RETRYING, Status.FAILED}),
    Status.SENT: frozenset(),
    Status.FAILED: frozenset({Status.RETRYING}),
    Status.SKIPPED: frozenset(),
}

LEARNED_MOVES: Mapping[Status, frozenset[Status]] = {
    **{status: frozenset({Status.SENT}) for status in Status if status is not Status.SENT},
    **{status: frozenset({Status.SENDING, Status.SENT}) for status in PENDING},
}
"""What a ledger of sends makes of rows that a restore has set back, and nothing else may."""


def is_legal(source: Status, target: Status) -> bool:
    """Tell whether a greeting may go from `source` to `target`."""
    return target in LEGAL_MOVES[source]


def check_move(source: Status, target: Status) -> None:
    """Raise IllegalMove unless a greeting may go from `source` to `target`."""
    if not is_legal(source, target):
        allowed = ", ".join(sorted(LEGAL_MOVES[source])) or "none: it is final"
        raise IllegalMove(source, target, f"legal: {allowed}")


def check_learned(source: Status, target: Status) -> None:
    """Raise IllegalMove unless a ledger of sends may take a greeting from `source` to `target`."""
    if target not in LEARNED_MOVES.get(source, ()):
        raise IllegalMove(source, target, "no ledger of sends teaches that")
