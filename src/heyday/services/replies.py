"""Let a write be repeated: what was done once is answered again, and not done again."""

import re
from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID

from heyday.domain.errors import MalformedKey
from heyday.domain.ports import Clock
from heyday.domain.replies import KEPT_FOR, KEY_LENGTH, KeptReply, ReplyKey, ReplyStore, Write

_KEY = re.compile(rf"[!-~]{{1,{KEY_LENGTH}}}", re.ASCII)
_FORGOTTEN_AT_ONCE = 1_000
_MOST_FORGOTTEN = 100


def fingerprint(parts: Iterable[bytes]) -> bytes:
    """Return what tells one request from another: SHA-256 over its parts."""
    digest = sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


class ReplyService:
    """Begin writes that have a key, and find the replies of those that were done."""

    def __init__(self, store: ReplyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def begin(self, key_id: UUID, text: str, print_: bytes) -> Write | KeptReply:
        """Begin the write that a caller's key names, or return the reply that it had.

        Raises MalformedKey, KeyReused, KeyInUse.
        """
        if not _KEY.fullmatch(text):
            raise MalformedKey(
                f"an Idempotency-Key has 1 to {KEY_LENGTH} visible ASCII characters and no space; "
                "expected one such as a UUID"
            )
        now = self._clock.now()
        return await self._store.begin(ReplyKey(key_id, text), print_, now, now - KEPT_FOR)

    async def forget_old(self) -> int:
        """Drop replies that are too old, many small steps at the most; return how many."""
        expired_before = self._clock.now() - KEPT_FOR
        forgotten = 0
        for _ in range(_MOST_FORGOTTEN):
            some = await self._store.forget(expired_before, _FORGOTTEN_AT_ONCE)
            forgotten += some
            if some < _FORGOTTEN_AT_ONCE:
                break
        return forgotten
