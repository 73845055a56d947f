"""Let a person look at greetings, settle those that wait for it, and cancel those not yet sent."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

import structlog

from heyday.domain.audit import concern
from heyday.domain.errors import (
    Conflict,
    FieldProblem,
    HeydayError,
    IllegalMove,
    InvalidInput,
    MessageNotFound,
    ResolutionRefused,
)
from heyday.domain.message_filters import MessageFilter, Place
from heyday.domain.ports import Clock, Session, Store
from heyday.domain.resolutions import GreetingRow, History, check_note
from heyday.domain.transitions import Status
from heyday.services.decisions import decide
from heyday.services.planning import Planner
from heyday.telemetry import Metrics

log = structlog.get_logger()


class ResolutionService:
    """Show greetings, and write down what a person decided about them: all of it or nothing."""

    def __init__(self, store: Store, planner: Planner, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._planner = planner
        self._clock = clock
        self._metrics = metrics

    async def resolve(
        self, ids: Sequence[str], target: Status, note: str | None = None
    ) -> list[UUID]:
        """Settle greetings that are UNKNOWN as SENT, FAILED or RETRYING; return their ids.

        What FAILED and was surely never taken may be RETRYING as well. A retry is due at once; its
        claim looks at the person as ever. What is UNKNOWN is then the same letter.
        Raises InvalidInput for the note; ResolutionRefused, which names the fault of each id:
        InvalidInput, MessageNotFound, IllegalMove, or Conflict for a retry that comes too late.
        """
        resolved = await self._decide(ids, target, note)
        log.info("greetings_resolved", status=target.value, rows=len(resolved))
        return resolved

    async def cancel(self, ids: Sequence[str], note: str | None = None) -> list[UUID]:
        """Cancel greetings that nobody is sending yet, for good; return their ids.

        No edit, sweep or plan brings them back. Raises as `resolve` does.
        """
        cancelled = await self._decide(ids, Status.CANCELLED, note)
        log.info("greetings_cancelled", rows=len(cancelled))
        return cancelled

    async def decide(self, message_id: UUID, target: Status, note: str | None) -> History:
        """Settle one greeting, or cancel it if that is the target; return what it is then.

        Raises InvalidInput for the note, MessageNotFound, Conflict.
        """
        given = str(message_id)
        try:
            if target is Status.CANCELLED:
                await self.cancel([given], note)
            else:
                await self.resolve([given], target, note)
        except ResolutionRefused as refusal:
            raise refusal.faults[given] from None
        return await self.get_history(given)

    async def list_page(
        self, wanted: MessageFilter, after: Place | None, limit: int
    ) -> list[GreetingRow]:
        """Return up to `limit` greetings that a filter wants, after a place, in order of places.

        Bound the filter first: without an instant to begin with, it is the whole history.
        """
        async with self._store.session() as session:
            return await session.resolutions.list_page(wanted, after, limit)

    async def list_by_status(self, status: Status, limit: int) -> list[GreetingRow]:
        """Return up to `limit` greetings of a status, by instant."""
        async with self._store.session() as session:
            return await session.resolutions.list_by_status(status, limit)

    async def get_history(self, given: str) -> History:
        """Return one greeting and what happened to it. Raises InvalidInput, MessageNotFound."""
        message_id = _read_id(given)
        async with self._store.session() as session:
            greeting = await session.resolutions.find(message_id)
            if greeting is None:
                raise MessageNotFound
            attempts = await session.resolutions.list_attempts(message_id)
            told = await session.events.list_told(message_id, greeting.delivery_on)
            return History(greeting, attempts, told)

    def is_too_late(self, row: GreetingRow) -> bool:
        """Tell whether a greeting that is sent again now would only be skipped."""
        decision = decide(self._planner, Status.RETRYING, None, self._clock.now())
        return row.scheduled_send_at < decision.skip_before[row.message_type]

    async def _decide(self, ids: Sequence[str], target: Status, note: str | None) -> list[UUID]:
        """Lock the rows, check each, and write the decision in the same transaction."""
        check_note(note)
        decision = decide(self._planner, target, note, self._clock.now())
        wanted, faults = _read_ids(ids)

        async def work(session: Session) -> list[UUID]:
            found = await session.resolutions.lock(wanted.values())
            wrong = {**faults, **_judge(wanted, found, decision.check)}
            if wrong:
                raise ResolutionRefused({given: wrong[given] for given in ids if given in wrong})
            concern([row.user_id for row in found])
            return await decision.write_all(session, found)

        try:
            return await self._store.in_transaction(work)
        except ResolutionRefused as refusal:
            self._note_illegal(refusal.faults.values())
            raise

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


def _judge(
    wanted: Mapping[str, UUID],
    found: Sequence[GreetingRow],
    check: Callable[[GreetingRow], None],
) -> dict[str, HeydayError]:
    """Return what is wrong with which id, as it was given."""
    rows = {row.id: row for row in found}
    faults: dict[str, HeydayError] = {}
    for given, message_id in wanted.items():
        if message_id not in rows:
            faults[given] = MessageNotFound()
            continue
        try:
            check(rows[message_id])
        except Conflict as error:
            faults[given] = error
    return faults
