"""Explain to a person of the company why somebody is greeted, or is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from heyday.domain.cases import Case, CasePerson, Explanation, Finding
from heyday.domain.errors import FieldProblem, InvalidInput, NotFound
from heyday.domain.explaining import Question, explain_person
from heyday.domain.message_types import MESSAGE_TYPES, MessageType
from heyday.domain.ports import Clock
from heyday.domain.report_ports import CaseStore
from heyday.domain.timezone import TimezoneService


@dataclass(frozen=True, slots=True)
class CaseReport:
    """Hold what is known of one person, and an explanation for each message type asked about."""

    person: CasePerson
    now: datetime
    tzdb_version: str
    findings: Sequence[Finding]
    explanations: Sequence[Explanation]


class ExplanationService:
    """Load a person, their greetings and their keys, and let the rules speak.

    timezones: for each message type, by name, what answers when it leaves.   horizon: how far
    ahead rows are written.
    """

    def __init__(
        self,
        store: CaseStore,
        timezones: Mapping[str, TimezoneService],
        clock: Clock,
        horizon: timedelta,
    ) -> None:
        self._store = store
        self._timezones = timezones
        self._clock = clock
        self._horizon = horizon

    async def explain(
        self,
        user: str,
        on: date | None = None,
        message_types: Sequence[MessageType] = MESSAGE_TYPES,
    ) -> CaseReport:
        """Return why this person is greeted, or not, on a local date or the next occasion.

        user: an id or an email address.   Raises NotFound; InvalidInput if it is neither.
        """
        person = await self._get(user)
        greetings = await self._store.list_greetings(person.id)
        case = Case(person, greetings, frozenset(), self._clock.now())
        tzdb = self._timezones[message_types[0].name].tzdb
        questions = [
            Question(case, t, self._timezones[t.name], self._horizon, on) for t in message_types
        ]
        dates = {found for q in questions if (found := q.asked_on())}
        keys = frozenset(await self._store.list_keys(person.id, dates))
        case = replace(case, keys=keys)
        return CaseReport(
            person=person,
            now=case.now,
            tzdb_version=tzdb.version,
            findings=explain_person(case, tzdb),
            explanations=[replace(q, case=case).explain() for q in questions],
        )

    async def _get(self, user: str) -> CasePerson:
        if "@" in user:
            person = await self._store.find_by_email(user.strip())
        else:
            person = await self._store.find_by_id(_read_id(user))
        if person is None:
            kind = "email address" if "@" in user else "id"
            raise NotFound(
                f"there is no person with the {kind} {user}; check it for a slip "
                "(deleted people were looked through as well)"
            )
        return person


def _read_id(user: str) -> UUID:
    try:
        return UUID(user)
    except ValueError:
        detail = f"{user!r} is neither an id (a UUID) nor an email address; give one of them"
        raise InvalidInput([FieldProblem("USER", detail)]) from None
