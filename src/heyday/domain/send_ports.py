"""Name what keeps a ledger of sends outside the database, and what is known of restores."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from heyday.domain.models import ClaimedMessage, Recorded
from heyday.domain.sends import NotedSend


@dataclass(frozen=True, slots=True)
class SeenClaim:
    """Hold a row as a claim that was committed had left it."""

    key: str
    due_at: datetime
    epoch: int


@dataclass(frozen=True, slots=True)
class SeenRun:
    """Hold a run of a job as the database had it."""

    id: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hold the last that a ledger saw of the database; one that lacks it was restored since.

    claims: of one batch, of which a database that holds the claim has each row, or at least the
    key, where its person was removed.
    """

    claimed_at: datetime | None = None
    claims: Sequence[SeenClaim] = ()
    run_at: datetime | None = None
    run: SeenRun | None = None

    def since(self, at: datetime) -> "Evidence":
        """Return what of it was seen at an instant or later."""
        found = self
        if self.claimed_at and self.claimed_at < at:
            found = replace(found, claimed_at=None, claims=())
        if self.run_at and self.run_at < at:
            found = replace(found, run_at=None, run=None)
        return found


@dataclass(frozen=True, slots=True)
class Account:
    """Hold what a ledger knows.

    sends: by key.   last_at: of its last line.   unreadable: lines that could not be read, as one
    that a crash broke off.
    """

    sends: Mapping[str, NotedSend] = field(default_factory=dict)
    files: int = 0
    last_at: datetime | None = None
    unreadable: int = 0


class SendLedger(Protocol):
    """Keep ids of what is sent where no restore of the database reaches."""

    async def begin(self, messages: Sequence[ClaimedMessage]) -> None:
        """Note durably that calls are about to be made. Raises SendsUnwritable: make none."""
        ...

    async def end(self, outcomes: Sequence[Recorded]) -> None:
        """Note what came of them. What cannot be noted is missing, and counts as in doubt."""
        ...

    async def note_run(self, run: SeenRun) -> None:
        """Note the last run of a job that the database has, now and then."""
        ...

    async def prove(self) -> None:
        """Return if it can be written, as far as is known. Raises SendsUnwritable."""
        ...

    async def find_evidence(self) -> Evidence:
        """Return the last that was seen of the database. Raises SendsUnwritable."""
        ...

    async def find_accepted(self, keys: Collection[str], since: datetime) -> Mapping[str, datetime]:
        """Return when a provider took these, as far as is noted since an instant."""
        ...

    async def read(self, since: datetime | None) -> Account:
        """Return all that is noted since an instant. Raises SendsUnwritable."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


class NoLedger:
    """Note nothing (SendLedger)."""

    async def begin(self, messages: Sequence[ClaimedMessage]) -> None:
        """Let calls be made."""

    async def end(self, outcomes: Sequence[Recorded]) -> None:
        """Forget them."""

    async def note_run(self, run: SeenRun) -> None:
        """Forget it."""

    async def prove(self) -> None:
        """Return."""

    async def find_evidence(self) -> Evidence:
        """Return none."""
        return Evidence()

    async def find_accepted(
        self,
        keys: Collection[str],  # noqa: ARG002 - as a SendLedger
        since: datetime,  # noqa: ARG002
    ) -> Mapping[str, datetime]:
        """Return none."""
        return {}

    async def read(self, since: datetime | None) -> Account:  # noqa: ARG002 - as a SendLedger
        """Return nothing."""
        return Account()

    async def close(self) -> None:
        """Return."""


NO_LEDGER = NoLedger()


@dataclass(frozen=True, slots=True)
class Hold:
    """Say since when nothing leaves, and how far the database reached then.

    reason: REWOUND or ASKED_FOR.
    """

    since_at: datetime
    reason: str
    back_to: datetime | None


@dataclass(frozen=True, slots=True)
class RestoreLook:
    """Hold one look: who holds, what the evidence lacks, and the last run of a job that is here."""

    hold: Hold | None
    lacks_claims: bool
    lacks_run: bool
    newest_run: SeenRun | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Count what the ledger knows by what the database has of it.

    known: accepted there, and SENT here.   unsettled: accepted there, and not SENT here.
    missing: accepted there, and no row here.   strangers: those of them whose person is not here.
    doubtful: pending here, and in doubt there.   gone: in doubt there, and no row here.
    """

    known: int = 0
    unsettled: int = 0
    missing: int = 0
    strangers: int = 0
    doubtful: int = 0
    gone: int = 0

    def __add__(self, other: "Comparison") -> "Comparison":
        """Return the sums, field by field."""
        return Comparison(
            self.known + other.known,
            self.unsettled + other.unsettled,
            self.missing + other.missing,
            self.strangers + other.strangers,
            self.doubtful + other.doubtful,
            self.gone + other.gone,
        )

    @property
    def is_up_to_date(self) -> bool:
        """Tell whether nothing is left to be brought into the database."""
        return not (self.unsettled or self.missing or self.doubtful)


@dataclass(frozen=True, slots=True)
class Replayed:
    """Count what a replay changed."""

    settled: int = 0
    added: int = 0
    doubtful: int = 0


class RestoreStore(Protocol):
    """Reach what the database knows of restores, and bring it up to a ledger."""

    async def look(self, evidence: Evidence) -> RestoreLook:
        """Look once. Raises DatabaseError."""
        ...

    async def hold(self, at: datetime, reason: str) -> bool:
        """Hold everything, unless it is; tell whether it was not."""
        ...

    async def resume(self, at: datetime) -> bool:
        """End the hold; tell whether there was one."""
        ...

    async def compare(self, sends: Mapping[str, NotedSend]) -> Comparison:
        """Count these by what is here of them. Changes nothing."""
        ...

    async def replay(self, sends: Mapping[str, NotedSend]) -> Replayed:
        """Bring these into the database. Once more changes nothing more."""
        ...
