"""Render a text for somebody, without storing or sending anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from heyday.domain.audit import concern
from heyday.domain.dates import has_year
from heyday.domain.errors import FieldProblem, InvalidInput, TextFailed
from heyday.domain.message_types import MessageType, get_message_type
from heyday.domain.own_texts import FIELDS
from heyday.domain.people import NAME_LENGTH
from heyday.domain.ports import Clock
from heyday.domain.text_ports import UNSUBSCRIBE_PLACE, YEARS_UNKNOWN, Composed, Person
from heyday.services.texts import TextService
from heyday.services.users import UserService

SAMPLE = Person("Ada", "Lovelace", 5)
"""Whom a text is rendered for if nobody else is named."""

SAMPLE_LINK = "https://example.com/unsubscribe"
"""Stands for the link to unsubscribe, which is a secret of the person's."""

MOST_YEARS = 150
_OTHERS = ("user_id", "first_name", "last_name", "years", "on")


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """Say for whom a text is rendered. on: the day of the greeting; None: today."""

    user_id: UUID | None
    person: Person
    on: date | None


class TextPreviewService:
    """Render texts that are there, and drafts."""

    def __init__(self, texts: TextService, people: UserService, clock: Clock) -> None:
        self._texts = texts
        self._people = people
        self._clock = clock

    async def render(
        self, message_type: str, language: str, given: Mapping[str, object]
    ) -> Composed:
        """Return the text as it would be frozen, but for a link that leads nowhere.

        given, and what it raises: as of `compose`.
        """
        return _linked(await self.compose(message_type, language, given))

    async def compose(
        self, message_type: str, language: str, given: Mapping[str, object]
    ) -> Composed:
        """Return the text as it would be frozen, with a place for its link (UNSUBSCRIBE_PLACE).

        given: a draft's subject, text and html, or none of them; and for whom.
        Raises MessageTypeNotFound, TextNotFound, NotFound, InvalidInput.
        """
        asked, kind = read_request(given), get_message_type(message_type)
        fields = {name: given[name] for name in FIELDS if name in given}
        if fields:
            (_, tag), source = self._texts.read(kind.name, language, fields)
            own = {(kind.name, tag): source}
        else:
            text = await self._texts.get(kind.name, language)
            tag = text.language
            own = {(kind.name, tag): text.source} if text.is_own else {}
        on = asked.on or self._clock.now().date()
        person = await self._person(kind, asked.user_id, on) if asked.user_id else asked.person
        book = self._texts.book_of(own)
        try:
            return book.compose(kind.name, tag, on, person)
        except TextFailed as error:
            raise InvalidInput([FieldProblem("text", str(error))]) from None

    async def _person(self, kind: MessageType, user_id: UUID, on: date) -> Person:
        user = await self._people.get(user_id)
        concern([user_id])
        occasion: date | None = getattr(user, kind.date_column)
        is_counted = occasion is not None and has_year(occasion)
        years = on.year - occasion.year if occasion and is_counted else YEARS_UNKNOWN
        return Person(user.first_name, user.last_name, max(years, YEARS_UNKNOWN))


def read_request(given: Mapping[str, object]) -> PreviewRequest:
    """Return whom a JSON object names. Raises InvalidInput naming what is wrong."""
    known = ", ".join((*FIELDS, *_OTHERS))
    problems = [
        FieldProblem(name, f"is not a field of a preview; known: {known}")
        for name in given
        if name not in {*FIELDS, *_OTHERS}
    ]
    names = [given.get("first_name", SAMPLE.first_name), given.get("last_name", SAMPLE.last_name)]
    for field, name in zip(("first_name", "last_name"), names, strict=True):
        if not isinstance(name, str) or not 0 < len(name) <= NAME_LENGTH or not _is_unicode(name):
            problems.append(FieldProblem(field, f"must be a text of up to {NAME_LENGTH}"))
    years = given.get("years", SAMPLE.years)
    # `type`, as true would pass for 1 with isinstance.
    if type(years) is not int or not YEARS_UNKNOWN <= years <= MOST_YEARS:
        detail = f"must be a number from 0 to {MOST_YEARS}, or {YEARS_UNKNOWN} for unknown"
        problems.append(FieldProblem("years", detail))
    user_id, on = _read_id(given.get("user_id"), problems), _read_on(given.get("on"), problems)
    if problems:
        raise InvalidInput(problems)
    return PreviewRequest(user_id, Person(str(names[0]), str(names[1]), int(str(years))), on)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _read_id(value: object, problems: list[FieldProblem]) -> UUID | None:
    try:
        return None if value is None else UUID(str(value))
    except ValueError:
        problems.append(FieldProblem("user_id", "must be a person's id, or null"))
        return None


def _read_on(value: object, problems: list[FieldProblem]) -> date | None:
    try:
        return None if value is None else date.fromisoformat(str(value))
    except ValueError:
        problems.append(FieldProblem("on", "is not a date; expected YYYY-MM-DD, or null"))
        return None


def _linked(composed: Composed) -> Composed:
    return Composed(
        composed.subject,
        composed.text.replace(UNSUBSCRIBE_PLACE, SAMPLE_LINK),
        composed.html and composed.html.replace(UNSUBSCRIBE_PLACE, SAMPLE_LINK),
    )
