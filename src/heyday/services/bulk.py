"""Take a thousand people in at once, and say of each what became of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from heyday.domain.addresses import fold_address
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.people import parse_person
from heyday.domain.people_tables import PersonFields
from heyday.domain.ports import Clock, Session, Store
from heyday.services.planning import Planner
from heyday.services.storing import store_people

MOST_PEOPLE = 1000
# How many are checked before other requests are looked at: about a millisecond.
_BREATH_ROWS = 100


class Outcome(StrEnum):
    """Name what may become of a row. Who was there already is updated, changed or not."""

    CREATED = "created"
    UPDATED = "updated"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class BulkResult:
    """Say what became of one row. problems: why it was rejected, field by field; "": the row."""

    outcome: Outcome
    id: UUID | None = None
    problems: Sequence[FieldProblem] = ()


class BulkService:
    """Create or overwrite people by address, all in one transaction."""

    def __init__(self, store: Store, planner: Planner, clock: Clock) -> None:
        self._store = store
        self._planner = planner
        self._clock = clock

    async def upsert(self, given: Mapping[str, object]) -> list[BulkResult]:
        """Store the people of a JSON object {"people": [...]}; return one result a row, in order.

        A row is a whole person: an absent optional field is emptied. A row that is wrong costs
        no other. Raises InvalidInput if there is no list of people, or one that is too long.
        """
        rows = _read_rows(given)
        now = self._clock.now()
        drafts, rejected = await _check(rows, now)
        stored: Mapping[int, BulkResult] = {}
        if drafts:
            await self._planner.prepare(self._store, now)
            stored = await self._store.in_transaction(lambda s: self._write(s, drafts, now))
        return [stored.get(number) or rejected[number] for number in range(len(rows))]

    async def _write(
        self, session: Session, drafts: Mapping[int, PersonFields], now: datetime
    ) -> dict[int, BulkResult]:
        results: dict[int, BulkResult] = {}
        left = dict(drafts)
        # Who is unchanged is not locked, and may be deleted before their id is read: then again.
        while left:
            people = list(left.values())
            new = set((await store_people(session, self._planner, people, now)).new)
            ids = await session.users.find_ids([person.email for person in people])
            for number, user_id in zip(list(left), ids, strict=True):
                if user_id:
                    outcome = Outcome.CREATED if user_id in new else Outcome.UPDATED
                    results[number] = BulkResult(outcome, user_id)
                    del left[number]
        return results


def _read_rows(given: Mapping[str, object]) -> list[object]:
    rows = given.get("people")
    problems = [
        FieldProblem(name, "is not a field of this call; known: people")
        for name in given
        if name != "people"
    ]
    if not isinstance(rows, list):
        problems.append(FieldProblem("people", "must be a list of people"))
    elif len(rows) > MOST_PEOPLE:
        detail = f"has {len(rows)} rows; at most {MOST_PEOPLE} are taken in one call"
        problems.append(FieldProblem("people", detail))
    if problems or not isinstance(rows, list):
        raise InvalidInput(problems)
    return rows


async def _check(
    rows: Sequence[object], now: datetime
) -> tuple[dict[int, PersonFields], dict[int, BulkResult]]:
    """Return who is to be stored, and what is refused, by the number of the row."""
    drafts: dict[int, PersonFields] = {}
    rejected: dict[int, BulkResult] = {}
    seen: dict[str, int] = {}
    for number, row in enumerate(rows):
        try:
            person = _parse(row, now)
            first = seen.setdefault(fold_address(person.email), number)
        except InvalidInput as error:
            rejected[number] = _rejected(*error.problems)
            continue
        finally:
            if number % _BREATH_ROWS == _BREATH_ROWS - 1:
                await asyncio.sleep(0)
        if first == number:
            drafts[number] = person
        else:
            detail = f"is the address of row {first} as well, which was taken"
            rejected[number] = _rejected(FieldProblem("email", detail))
    return drafts, rejected


def _rejected(*problems: FieldProblem) -> BulkResult:
    return BulkResult(Outcome.REJECTED, problems=problems)


def _parse(row: object, now: datetime) -> PersonFields:
    if not isinstance(row, Mapping):
        raise InvalidInput([FieldProblem("", "must be a JSON object, in braces")])
    return PersonFields.of(parse_person(row, now))
