"""Hold what was expected, what the provider got, and what Heyday's rows say against each other."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tests.chaos.people import Expected
from tests.chaos.provider import Request
from tests.chaos.witness import Row

_HELD = "UNKNOWN"
_LIVE = {"SCHEDULED", "QUEUED", "SENDING", "RETRYING"}


@dataclass(frozen=True, slots=True)
class Findings:
    """Hold what was counted, and each broken promise by name with the keys that it concerns.

    held: greetings that ended as UNKNOWN.   extra: acceptances beyond one a key.
    ambiguous: attempts noted as such.
    """

    messages: int
    requests: int
    held: int
    extra: int
    ambiguous: int
    broken: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def is_kept(self) -> bool:
        """Tell whether every promise was kept."""
        return not any(self.broken.values())


def check(
    expected: Sequence[Expected],
    people: Mapping[str, UUID],
    rows: Sequence[Row],
    requests: Iterable[Request],
    *,
    honours_keys: bool,
) -> Findings:
    """Return what was found. people: the number of each address's person."""
    by_key = {_key(e, people): e for e in expected}
    row_of = {row.key: row for row in rows}
    accepted: Counter[str] = Counter()
    unexpected: set[str] = set()
    early: set[str] = set()
    received = 0
    for request in requests:
        received += 1
        accepted[request.key] = max(accepted[request.key], request.accepted)
        wanted = by_key.get(request.key)
        if wanted is None or (request.email, request.message) != (wanted.email, wanted.text):
            unexpected.add(request.key)
        elif request.received_at < wanted.send_at:
            early.add(request.key)
    extra = {key: n - 1 for key, n in accepted.items() if n > 1}
    allowed = {row.key: 0 if honours_keys else row.ambiguous for row in rows}
    broken = {
        "lost": [
            key
            for key, wanted in by_key.items()
            if not accepted[key] and _is_lost(wanted, row_of.get(key), honours_keys=honours_keys)
        ],
        "duplicates": [key for key, n in extra.items() if n > allowed.get(key, 0)],
        "unexpected": sorted(unexpected | (row_of.keys() - by_key.keys())),
        "early": sorted(early),
        "live": [row.key for row in rows if row.status in _LIVE and _is_due(by_key, row)],
    }
    return Findings(
        messages=len(by_key),
        requests=received,
        held=sum(row.status == _HELD for row in rows),
        extra=sum(extra.values()),
        ambiguous=sum(row.ambiguous for row in rows),
        broken={name: keys for name, keys in broken.items() if keys},
    )


def _key(expected: Expected, people: Mapping[str, UUID]) -> str:
    # Somebody whom the import took and the database lost has a key that nobody can accept.
    person = people.get(expected.email, f"nobody {expected.email}")
    return f"{person}:{expected.message_type}:{expected.delivery_on}"


def _is_lost(expected: Expected, row: Row | None, *, honours_keys: bool) -> bool:
    """Tell whether a greeting that the provider has not accepted is lost.

    No fault here is a reason to give one up: only a person may still have to decide about it, or
    an edit has won the race against its claim.
    """
    if row is None:
        return True
    return expected.is_sure and (honours_keys or row.status != _HELD)


def _is_due(by_key: Mapping[str, Expected], row: Row) -> bool:
    expected = by_key.get(row.key)
    return expected is None or expected.is_sure
