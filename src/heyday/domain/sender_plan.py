"""Share greetings among senders, and say who takes over from one that is away.

`ses:3,smtp>sendgrid`: of four greetings three leave through ses and one through smtp; through
sendgrid leave those that neither of the two can take.

Source: docs/adr/0042 (weighted rendezvous hashing: Thaler and Ravishankar 1998; Schindelhauer and
Schomaker 2005 for weights).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

_SHARE = re.compile(r"([a-z]+)(?::(\d{1,4}))?", re.ASCII)
# As many as a float tells apart from 1.
_BITS = 52


@dataclass(frozen=True, slots=True)
class Share:
    """Say how much one sender takes of what its tier does.

    weight: beside those of the same tier.   tier: the first is 0; the next takes what nobody of
    the tiers before it can.
    """

    sender: str
    weight: int = 1
    tier: int = 0

    def draw(self, message_id: UUID) -> float:
        """Return the lot that a greeting draws for this sender: the highest of a tier wins it.

        The same lot each time, whichever other senders there are.
        """
        digest = blake2b(message_id.bytes, digest_size=8, key=self.sender.encode()).digest()
        number = int.from_bytes(digest) >> (64 - _BITS)
        return -self.weight / math.log((number + 0.5) / (1 << _BITS))


@dataclass(frozen=True, slots=True)
class Assigned:
    """Say through which sender each greeting of a batch is to leave, in the order of the batch.

    spares: through which instead after one failed attempt, or three, or five; None: the same.
    There are none at all where there is but one sender.
    """

    senders: Sequence[str]
    spares: Sequence[str | None] = ()


@dataclass(frozen=True, slots=True)
class SenderPlan:
    """Hold the senders in force with their shares, by tier. One alone is a plan as well."""

    shares: tuple[Share, ...]

    def __post_init__(self) -> None:
        """Refuse what would name nobody, or somebody twice."""
        if not self.shares or len(set(self.senders)) < len(self.shares):
            raise ValueError("expected each sender once")
        if not all(share.weight > 0 for share in self.shares):
            raise ValueError("expected weights from 1 on; leave out who is to take nothing")

    def __str__(self) -> str:
        """Return it as it is written in SENDER."""
        tiers = sorted({share.tier for share in self.shares})
        return ">".join(",".join(map(_written, self._of_tier(tier))) for tier in tiers)

    @property
    def senders(self) -> tuple[str, ...]:
        """Return the names of all."""
        return tuple(share.sender for share in self.shares)

    def rank(self, message_id: UUID) -> list[str]:
        """Return all senders in the order in which a greeting would leave through them.

        If one goes, only its greetings go elsewhere; if it returns, the very same return to it.
        """
        ranked = sorted(self.shares, key=lambda s: (s.tier, -s.draw(message_id)))
        return [share.sender for share in ranked]

    def assign(self, message_ids: Sequence[UUID], room: Mapping[str, float]) -> Assigned:
        """Choose a sender for each greeting. room: how many each sender can take.

        Where none can take any, the plan stands as if all could.
        """
        if len(self.shares) == 1:
            return Assigned(self.senders * len(message_ids))
        left = dict(room)
        pairs = [self._choose(message_id, left) for message_id in message_ids]
        return Assigned([sender for sender, _ in pairs], [spare for _, spare in pairs])

    def _choose(self, message_id: UUID, left: dict[str, float]) -> tuple[str, str | None]:
        ranked = self.rank(message_id)
        first, *others = [sender for sender in ranked if left[sender] > 0] or ranked
        left[first] -= 1
        return first, others[0] if others else None

    def _of_tier(self, tier: int) -> list[Share]:
        return [share for share in self.shares if share.tier == tier]


def parse_plan(text: str) -> SenderPlan:
    """Return the plan that a text writes. Raises ValueError."""
    return SenderPlan(
        tuple(
            _parse_share(word.strip(), tier)
            for tier, words in enumerate(text.split(">"))
            for word in words.split(",")
        )
    )


def _parse_share(word: str, tier: int) -> Share:
    found = _SHARE.fullmatch(word)
    if not found:
        raise ValueError("expected senders with their shares, such as ses:3,smtp:1>sendgrid")
    return Share(found[1], int(found[2] or 1), tier)


def _written(share: Share) -> str:
    return share.sender if share.weight == 1 else f"{share.sender}:{share.weight}"
