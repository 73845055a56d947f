"""Let a person decide about many greetings at once: of each by itself, in chunks that commit."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from heyday.domain.audit import DEED, Deed, concern, doing
from heyday.domain.message_lists import Counted, Look, narrowed
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

    is_whole: nothing is left of what was agreed to.
    """

    changed: int = 0
    moved_on: int = 0
    is_whole: bool = True


class BulkDecisions:
    """Decide about many greetings. Each moves by compare-and-set; what moved on costs no other."""

    def __init__(
        self, store: Store, lists: MessageListService, planner: Planner, clock: Clock
    ) -> None:
        self._store = store
        self._lists = lists
        self._planner = planner
        self._clock = clock

    async def count(self, look: Look, target: Status) -> Counted:
        """Return how many of a look may move so now."""
        counts = [await self._lists.count(each) for each in self._looks(look, target)]
        return Counted(
            sum(each.number for each in counts), is_exact=all(each.is_exact for each in counts)
        )

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

        at_most: how many the person was told of and agreed to. What comes to fit meanwhile may take
        the place of what does no more. Raises InvalidInput for the note.
        """
        check_note(note)
        most, until = min(at_most, MOST_AT_ONCE), self._clock.monotonic() + LONGEST
        changed = moved_on = 0
        todo = self._looks(look, target)
        while todo and changed < most and self._clock.monotonic() < until:
            decision = self._decision(target, note)
            found, end = await self._lists.list_chunk(todo[0], min(CHUNK, most - changed))
            ids = [each.row.id for each in found if decision.may(each.row)]
            moved = await self._decide_chunk(ids, decision) if ids else 0
            changed, moved_on = changed + moved, moved_on + len(ids) - moved
            rest = [replace(todo[0], after=end)] if end else []
            todo = rest + todo[1:]
        is_whole = not todo or changed >= at_most
        return self._told(target, BulkOutcome(changed, moved_on, is_whole=is_whole))

    def _looks(self, look: Look, target: Status) -> list[Look]:
        earliest = self._planner.claim_rules(self._clock.now()).earliest
        return narrowed(look, target, earliest)

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
            is_whole=outcome.is_whole,
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
