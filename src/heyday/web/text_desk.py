"""Hold a text while somebody writes it: what they typed, for whom it is shown, what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from heyday.domain.access import Scope
from heyday.domain.audit import concern
from heyday.domain.delivery import Outcome
from heyday.domain.errors import InvalidInput, NotFound, TextNotFound
from heyday.domain.finding import parse_search
from heyday.domain.locales import normalize_locale
from heyday.domain.message_types import get_message_type
from heyday.domain.models import User
from heyday.domain.own_texts import READY
from heyday.domain.ports import Clock
from heyday.domain.text_ports import YEARS_UNKNOWN, Composed
from heyday.services.text_preview import TextPreviewService
from heyday.services.texts import ShownText, TextService
from heyday.services.users import UserService
from heyday.texts.languages import nearest
from heyday.texts.ready import find_ready, ready_languages
from heyday.web.shell import PageRequest, Visitor
from heyday.web.text_drafts import Draft, Flaw, empty_draft, find_flaws
from heyday.web.text_examples import Vocabulary, explain, sample_person
from heyday.web.text_names import name_of

YEARS = (1, 2, 5, 10, 25, 50, YEARS_UNKNOWN)
"""For how many years the greeting of somebody invented may be looked at."""

_USUAL_YEARS = 5
_MOST_FOUND = 8


@dataclass(slots=True, eq=False)
class Desk:
    """Hold the text at hand.

    version: of the stored text that the draft began as.   usual_subject: of a text that brings
    none.   is_new: there is no text yet.   found: who might be meant; None if nobody was looked
    for.   overtaken_by: what somebody else has stored meanwhile.   tried: what came of a trial.
    """

    message_type: str
    draft: Draft
    version: str
    usual_subject: str | None
    is_new: bool
    is_edited: bool
    form: Mapping[str, str]
    vocabulary: Vocabulary
    years: int = _USUAL_YEARS
    person: User | None = None
    found: Sequence[User] | None = None
    search_problem: str | None = None
    flaws: Sequence[Flaw] = ()
    composed: Composed | None = None
    overtaken_by: ShownText | None = None
    tried: Mapping[str, Outcome] = field(default_factory=dict)
    address_problem: str | None = None

    @property
    def language(self) -> str:
        """Return the language of the text."""
        return self.draft.language

    @property
    def path(self) -> str:
        """Return where the text is."""
        return f"/texts/{self.message_type}/{self.language}"

    @property
    def may_be_more(self) -> bool:
        """Tell whether more people may be meant than those who were found."""
        return len(self.found or ()) == _MOST_FOUND

    @property
    def flaw_count(self) -> int:
        """Return how much is to be corrected."""
        return len(self.flaws)

    @property
    def is_own(self) -> bool:
        """Tell whether the stored text is the company's own."""
        return self.version != READY


class TextDesk:
    """Open texts, and do with them what a form asks."""

    def __init__(
        self, texts: TextService, previews: TextPreviewService, people: UserService, clock: Clock
    ) -> None:
        self._texts = texts
        self._previews = previews
        self._people = people
        self._clock = clock

    async def open(
        self, request: PageRequest, message_type: str, language: str, *, with_people: bool = True
    ) -> Desk:
        """Return a text with what the form says of it, or as it is stored where there is no form.

        with_people: whether a person may be named by it. Raises MessageTypeNotFound, TextNotFound,
        NotFound.
        """
        kind, tag = get_message_type(message_type).name, normalize_locale(language)
        if tag is None or name_of(tag) is None:
            raise TextNotFound
        stored, usual = await self._find(kind, tag), _usual_subject(kind, tag)
        form = await _read_form(request)
        draft = Draft.of(stored, usual) if stored else empty_draft(tag, usual)
        version = stored.version if stored else READY
        is_edited = "text" in form
        if is_edited:
            draft = Draft.read(tag, form)
        if request.method == "POST":
            version = form.get("version", READY)
        desk = Desk(
            kind,
            draft,
            version,
            usual,
            is_new=stored is None,
            is_edited=is_edited,
            form=form,
            vocabulary=explain(kind, tag, self._clock.now().date()),
            years=_read_years(form.get("years")),
        )
        if with_people and Visitor(request.scope["state"].get("caller")).may(Scope.USERS_READ):
            await self._name_person(desk)
        return desk

    async def preview(self, desk: Desk) -> None:
        """Note what comes of the draft, or what is wrong with it."""
        try:
            desk.composed = await self._previews.render(
                desk.message_type, desk.language, self._asked(desk)
            )
        except InvalidInput as error:
            desk.flaws = find_flaws(desk.draft, error.problems)

    async def compose(self, desk: Desk) -> Composed:
        """Return what comes of the draft, as a greeting would be kept. Raises InvalidInput."""
        return await self._previews.compose(desk.message_type, desk.language, self._asked(desk))

    async def search(self, desk: Desk) -> None:
        """Note who might be meant by what was looked for, if that was asked."""
        query = desk.form.get("find", "").strip()
        if not query or "finding" not in desk.form:
            return
        try:
            wanted = parse_search({"query": query, "limit": _MOST_FOUND})
        except InvalidInput as error:
            desk.search_problem = error.problems[0].detail
            return
        desk.found = await self._people.search(wanted, wanted.limit)
        concern([user.id for user in desk.found])

    async def put(self, desk: Desk) -> None:
        """Store the draft. Raises InvalidInput, TextChanged."""
        given = desk.draft.given(desk.usual_subject)
        await self._texts.put(desk.message_type, desk.language, given, {desk.version})

    async def delete(self, desk: Desk) -> None:
        """Remove the stored text. Raises TextNotFound, TextChanged."""
        await self._texts.delete(desk.message_type, desk.language, {desk.version})

    async def overtake(self, desk: Desk) -> None:
        """Note what is stored by now: who goes on has seen what they replace."""
        desk.overtaken_by = await self._find(desk.message_type, desk.language)
        desk.version = desk.overtaken_by.version if desk.overtaken_by else READY

    async def _find(self, message_type: str, tag: str) -> ShownText | None:
        try:
            return await self._texts.get(message_type, tag)
        except TextNotFound:
            return None

    async def _name_person(self, desk: Desk) -> None:
        """Note for whom the draft is shown; nobody, if there is no such person any more."""
        try:
            desk.person = await self._people.get(UUID(desk.form.get("person", "")))
            concern([desk.person.id])
        except (ValueError, NotFound):
            desk.person = None

    def _asked(self, desk: Desk) -> dict[str, object]:
        given = desk.draft.given(desk.usual_subject)
        if desk.person:
            return {**given, "user_id": str(desk.person.id)}
        sample = sample_person(desk.language, desk.years)
        names = {"first_name": sample.first_name, "last_name": sample.last_name}
        return {**given, **names, "years": desk.years}


async def _read_form(request: PageRequest) -> Mapping[str, str]:
    """Return the fields of a form, or of a query; of one that comes twice the last counts."""
    given = await request.form() if request.method == "POST" else request.query_params
    return {name: value for name, value in given.multi_items() if isinstance(value, str)}


def _read_years(given: str | None) -> int:
    known = {str(years): years for years in YEARS}
    return known.get(given or "", _USUAL_YEARS)


def _usual_subject(message_type: str, tag: str) -> str | None:
    """Return the subject that comes with Heyday in the nearest language."""
    near = nearest(tag, ready_languages())
    ready = find_ready(message_type, near) if near else None
    return ready.subject if ready else None
