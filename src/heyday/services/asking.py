"""Answer who asks by a name why somebody is greeted on a day, or is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from heyday.domain.audit import concern
from heyday.domain.errors import NotFound
from heyday.domain.finding import parse_search
from heyday.services.explaining import CaseReport, ExplanationService
from heyday.services.users import UserService

MOST_EXPLAINED = 5
"""How many people of the name are explained: each takes a few statements."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold an explanation for each who was found. is_cut: there are more of the name."""

    reports: Sequence[CaseReport]
    is_cut: bool


class AskingService:
    """Find people by how their name or address begins, and let the rules speak for each."""

    def __init__(self, users: UserService, explanations: ExplanationService) -> None:
        self._users = users
        self._explanations = explanations

    async def ask(self, query: str, on: date) -> Answer:
        """Return why those whose name or address begins so are greeted on a local date, or not.

        Who was deleted is found by the whole address.   Raises InvalidInput.
        """
        wanted = parse_search({"query": query, "limit": MOST_EXPLAINED})
        found = await self._users.search(wanted, MOST_EXPLAINED + 1)
        whom = [str(person.id) for person in found[:MOST_EXPLAINED]]
        if not whom and "@" in query:
            whom = [query.strip()]
        reports = [report for one in whom if (report := await self._find(one, on))]
        concern([report.person.id for report in reports])
        return Answer(reports, is_cut=len(found) > MOST_EXPLAINED)

    async def _find(self, whom: str, on: date) -> CaseReport | None:
        """Return the explanation; None for who has just gone, or never was there."""
        try:
            return await self._explanations.explain(whom, on)
        except NotFound:
            return None
