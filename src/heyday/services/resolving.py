"""Let a person settle greetings of which nobody can say whether they left."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import structlog

from heyday.domain.errors import (
    Conflict,
    FieldProblem,
    HeydayError,
    IllegalMove,
    InvalidInput,
    NotFound,
    ResolutionRefused,
)
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.ports import Clock, Session, Store
from heyday.domain.resolutions import GreetingRow, History, check_note, check_resolution
from heyday.domain.transitions import Status
from heyday.services.planning import Planner
from heyday.telemetry import Metrics

log = structlog.get_logger()


class ResolutionService:
    """Show what waits for a decision, and write down what was decided: all of it or nothing."""

    def __init__(self, store: Store, planner: Planner, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._planner = planner
        self._clock = clock
        self._metrics = metrics

    async def resolve(
        self, ids: Sequence[str], target: Status, note: str | None = None
    ) -> list[UUID]:
        """Settle greetings that are UNKNOWN as SENT, FAILED or RETRYING; return their ids.

        A retry is due at once, with the same letter; its claim looks at the person as ever.
        Raises InvalidInput for the note; ResolutionRefused, which names the fault of each id:
        InvalidInput, NotFound, IllegalMove, or Conflict for a retry that comes too late.
        """
        check_note(note)
        now = self._clock.now()
        wanted, faults = _read_ids(ids)

        async def work(session: Session) -> list[UUID]:
            found = await session.resolutions.lock(wanted.values())
            wrong = {**faults, **self._judge(wanted, found, target, now)}
            if wrong:
                raise ResolutionRefused({given: wrong[given] for given in ids if given in wrong})
            resolved = await session.resolutions.resolve(found, target, now, note)
            if target is Status.RETRYING:
                await session.plans.announce_due()
            return resolved

        try:
            resolved = await self._store.in_transaction(work)
        except ResolutionRefused as refusal:
            self._note_illegal(refusal.faults.values())
            raise
        log.info("greetings_resolved", status=target.value, rows=len(resolved))
        return resolved

    async def list_by_status(self, status: Status, limit: int) -> list[GreetingRow]:
        """Return up to `limit` greetings of a status, by instant."""
        async with self._store.session() as session:
            return await session.resolutions.list_by_status(status, limit)

    async def get_history(self, given: str) -> History:
        """Return one greeting with its attempts. Raises InvalidInput, NotFound."""
        message_id = _read_id(given)
        async with self._store.session() as session:
            greeting = await session.resolutions.find(message_id)
            if greeting is None:
                raise _absent()
            return History(greeting, await session.resolutions.list_attempts(message_id))

    def _judge(
        self,
        wanted: Mapping[str, UUID],
        found: Sequence[GreetingRow],
        target: Status,
        now: datetime,
    ) -> dict[str, HeydayError]:
        """Return what is wrong with which id, as it was given."""
        skip_before = dict(
            zip(
                (message_type.name for message_type in MESSAGE_TYPES),
                self._planner.claim_rules(now).skip_before,
                strict=True,
            )
        )
        rows = {row.id: row for row in found}
        faults: dict[str, HeydayError] = {}
        for given, message_id in wanted.items():
            if message_id not in rows:
                faults[given] = _absent()
                continue
            try:
                check_resolution(rows[message_id], target, skip_before)
            except Conflict as error:
                faults[given] = error
        return faults

    def _note_illegal(self, faults: Iterable[HeydayError]) -> None:
        for fault in faults:
            if isinstance(fault, IllegalMove):
                self._metrics.illegal_moves.labels(fault.source, fault.target).inc()
                log.warning("illegal_move", source=fault.source, target=fault.target)


def _read_ids(ids: Sequence[str]) -> tuple[dict[str, UUID], dict[str, HeydayError]]:
    """Return the ids by what was given for them, and the faults of what is none."""
    wanted: dict[str, UUID] = {}
    faults: dict[str, HeydayError] = {}
    for given in ids:
        try:
            wanted[given] = _read_id(given)
        except InvalidInput as error:
            faults[given] = error
    return wanted, faults


def _read_id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        detail = "is not the id of a greeting, which is a UUID; `heyday messages list` shows them"
        raise InvalidInput([FieldProblem("ID", detail)]) from None


def _absent() -> NotFound:
    return NotFound(
        "there is no greeting with this id; `heyday messages list` shows those that wait"
    )
