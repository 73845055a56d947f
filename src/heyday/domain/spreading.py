"""Give each greeting a moment of its own within the spread of its send time.

The offset is a part of the key, so that a greeting which is planned anew leaves at the same second.
PostgreSQL reckons it as well (`offset` in db/sql/plans.sql); tests hold the two against each other.
Source: docs/adr/0046-a-spread-of-the-send-time.md.
"""

import hashlib
from datetime import timedelta

_BITS = 32
_ONE_SECOND = timedelta(seconds=1)


def offset_of(key: str, spread: timedelta) -> timedelta:
    """Return how long after the send time the greeting with this key leaves.

    spread: whole seconds.   Returns whole seconds, from nothing up to, not including, the spread:
    the part of it that the first 32 bits of the key's SHA-256 are of all that they could be. A
    wider spread keeps the order.
    """
    digest = hashlib.sha256(key.encode()).digest()
    drawn = int.from_bytes(digest[: _BITS // 8], "big")
    return (drawn * (spread // _ONE_SECOND) >> _BITS) * _ONE_SECOND
