"""Make books of the texts that message types declare, in English, and of plain ones like them.

They need no library and cannot fail: who cannot be greeted by a better text is greeted by these.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.message_types import MESSAGE_TYPES, MessageType, numbered
from heyday.domain.text_ports import (
    UNSUBSCRIBE_PLACE,
    YEARS_UNKNOWN,
    Composed,
    Person,
    Sources,
    TextBook,
    TextSource,
    Wording,
)

SEED_LANGUAGE = "en"
_YEARS_PLACE = "%3$s"
# As markupsafe, and so Jinja, writes them.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;"})


def escape_html(text: str) -> str:
    """Return a text that HTML shows as it is: what the planning statement does to names."""
    return text.translate(_ESCAPES)


def fill(pattern: str, first_name: str, last_name: str) -> str:
    """Fill the places of a Wording in one pass, as PostgreSQL's format() does."""
    parts = pattern.split("%%")
    places = {"%1$s": first_name, "%2$s": last_name}
    return "%".join(_fill_part(part, places) for part in parts)


def _fill_part(part: str, places: Mapping[str, str]) -> str:
    head, *rest = part.split("%")
    return head + "".join(places[f"%{piece[:3]}"] + piece[3:] for piece in rest)


class SeedBook:
    """Serve the declared texts, and plain ones of other languages (text_ports.TextBook).

    A plain text has {first_name} and {last_name} alone.
    """

    def __init__(self, own: Sources | None = None) -> None:
        self._own = dict(own or {})
        self._languages = {SEED_LANGUAGE, *(language for _, language in self._own)}

    def language_for(self, locale: str | None) -> str:
        """Return the language of a locale: its own, that which it begins with, or English."""
        tag = locale or SEED_LANGUAGE
        while tag not in self._languages and "-" in tag:
            tag = tag.rpartition("-")[0]
        return tag if tag in self._languages else SEED_LANGUAGE

    def is_personal(self, message_type: str, language: str) -> bool:  # noqa: ARG002 - none asks
        """Return False: no text asks anything about a name."""
        return False

    def wordings(
        self,
        message_type: str,
        language: str,
        years: Sequence[int],
        days: Sequence[date],  # noqa: ARG002 - no text has the day
    ) -> Sequence[Wording]:
        """Return one for all, or one for each number of years, of those texts that count them."""
        if source := self._own.get((message_type, language)):
            html = None if source.html is None else numbered(source.html)
            subject, text = numbered(source.subject or ""), numbered(source.text)
            return [Wording(language, None, None, subject, text, html)]
        return list(_declared(_type(message_type), language, years))

    def compose(self, message_type: str, language: str, on: date, person: Person) -> Composed:
        """Return the whole text for one person."""
        (wording,) = self.wordings(message_type, language, [person.years], [on])
        names = [
            name.replace(UNSUBSCRIBE_PLACE, "") for name in (person.first_name, person.last_name)
        ]
        escaped = [escape_html(name) for name in names]
        return Composed(
            fill(wording.subject, *names),
            fill(wording.text, *names),
            None if wording.html is None else fill(wording.html, *escaped),
        )


class SeedLibrary:
    """Bind plain texts (text_ports.TextLibrary)."""

    @property
    def ready(self) -> Sources:
        """Return the declared texts."""
        return {(t.name, SEED_LANGUAGE): TextSource(None, t.text, None) for t in MESSAGE_TYPES}

    def check(self, message_type: str, language: str, source: TextSource) -> None:  # noqa: ARG002
        """Return if the text has no places but those of names. Raises InvalidInput."""
        problems = []
        for name in ("subject", "text", "html"):
            try:
                pattern = numbered(getattr(source, name) or "")
            except ValueError as error:
                problems.append(FieldProblem(name, str(error)))
                continue
            if _YEARS_PLACE in pattern.replace("%%", ""):
                problems.append(FieldProblem(name, "counts years, which are not always known"))
        if problems:
            raise InvalidInput(problems)

    def bind(self, own: Sources) -> TextBook:
        """Return the book of the declared texts and these."""
        return SeedBook(own)


class SeedShelf:
    """Hold one book for ever (text_ports.BookShelf)."""

    def __init__(self, book: TextBook | None = None) -> None:
        self._book = book or SeedBook()

    @property
    def book(self) -> TextBook:
        """Return it."""
        return self._book

    async def look(self) -> None:
        """Do nothing: it does not change."""

    async def refresh(self) -> None:
        """Do nothing: it does not change."""


def _type(name: str) -> MessageType:
    return next(each for each in MESSAGE_TYPES if each.name == name)


def _declared(kind: MessageType, language: str, years: Sequence[int]) -> Iterator[Wording]:
    if kind.text == kind.text_for_one == kind.text_without_year and "{n}" not in kind.text:
        yield Wording(language, None, None, "", kind.pattern, None)
        return
    for number in years:
        pattern = kind.pattern_for_one if number == 1 else kind.pattern
        if number == YEARS_UNKNOWN:
            pattern = kind.pattern_without_year
        text = pattern.replace(_YEARS_PLACE, str(number))
        yield Wording(language, number, None, "", text, None)
