"""Let a person decide about many greetings at once: of each by itself, in chunks that commit."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog

from heyday.domain.audit import DEED, Deed, concern, doing
from heyday.domain.message_filters import Place
from heyday.domain.message_lists import Look
from heyday.domain.ports import Clock, Session, Store
from heyday.domain.resolutions import check_note
from heyday.domain.transitions import Status
from heyday.services.decisions import Decision, decide
from heyday.services.message_lists import MessageListService
from heyday.services.planning import Planner

log = structlog.get_logger()

CHUNK = 200
"""How many are decided about in one transaction: a line of the audit log names them all."""

MOST_AT_ONCE = 5_000
"""How many one request moves at most."""

LONGEST = 10.0
"""After so many seconds a request begins no further chunk, and says what is left."""


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """Say what became of many. moved_on: those that stood otherwise when their turn came.

    next: where to go on with what is left; None: nothing is.
    """

    changed: int = 0
    moved_on: int = 0
    next: Place | None = None


class BulkDecisions:
    """Decide about many greetings. Each moves by compare-and-set; what moved on costs no other."""

    def __init__(
        self,
        store: Store,
        lists: MessageListService,
        planner: Planner,
        clock: Clock,
    ) -> None:
        self._store = store
        self._lists = lists
        self._planner = planner
        self._clock = clock

    async def decide_some(
        self, ids: Sequence[UUID], target: Status, note: str | None
    ) -> BulkOutcome:
        """Decide about greetings by their ids. Raises InvalidInput for the note."""
        check_note(note)
        distinct = list(dict.fromkeys(ids))
        changed = 0
        for start in range(0, len(distinct), CHUNK):
            chunk = distinct[start : start + CHUNK]
            changed += await self._decide_chunk(chunk, self._decision(target, note))
        return self._told(target, BulkOutcome(changed, len(distinct) - changed))

    async def decide_all(
        self, look: Look, target: Status, note: str | None, at_most: int
    ) -> BulkOutcome:
        """Decide about what a look finds and may move so, up to `at_most` that change.

        at_most: how many the person was told of and agreed to. Raises InvalidInput for the note.
        """
        check_note(note)
        most, until = min(at_most, MOST_AT_ONCE), self._clock.monotonic() + LONGEST
        changed = moved_on = 0
        while changed < most and self._clock.monotonic() < until:
            decision = self._decision(target, note)
            found, end = await self._lists.list_chunk(look, min(CHUNK, most - changed))
            ids = [each.row.id for each in found if decision.may(each.row)]
            moved = await self._decide_chunk(ids, decision) if ids else 0
            changed, moved_on = changed + moved, moved_on + len(ids) - moved
            if end is None:
                return self._told(target, BulkOutcome(changed, moved_on))
            look = Look(look.wanted, look.order, end)
        return self._told(target, BulkOutcome(changed, moved_on, look.after))

    async def _decide_chunk(self, ids: Sequence[UUID], decision: Decision) -> int:
        """Lock the rows, leave out what may not move so, and move the rest; return how many."""

        async def work(session: Session) -> int:
            rows = [row for row in await session.resolutions.lock(ids) if decision.may(row)]
            concern([row.user_id for row in rows])
            return len(await decision.write(session, rows))

        with _deed_of_its_own():
            return await self._store.in_transaction(work)

    def _decision(self, target: Status, note: str | None) -> Decision:
        return decide(self._planner, target, note, self._clock.now())

    def _told(self, target: Status, outcome: BulkOutcome) -> BulkOutcome:
        log.info(
            "greetings_decided",
            status=target.value,
            rows=outcome.changed,
            moved_on=outcome.moved_on,
            is_whole=outcome.next is None,
        )
        return outcome


@contextmanager
def _deed_of_its_own() -> Iterator[None]:
    """Have the audit log note each chunk: one that is noted already is not noted again."""
    deed = DEED.get()
    if deed is None:
        yield
        return
    with doing(Deed(deed.actor, deed.action, deed.request_id, is_write=True)):
        yield
