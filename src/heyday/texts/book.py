"""Keep the texts of all message types in all languages, and compose greetings of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache

from heyday.domain.errors import FieldProblem, TextRefused
from heyday.domain.text_ports import (
    UNSUBSCRIBE_PLACE,
    Composed,
    Person,
    Sources,
    TextSource,
    Wording,
)
from heyday.texts.languages import canonical, locale_of, nearest
from heyday.texts.ready import ENGLISH, find_ready, ready_languages
from heyday.texts.text import Text, fill, make_text, without_place

# A day of a hundred years in a dozen languages, several times over.
_REMEMBERED = 20_000


class Book:
    """Be the TextBook: a company's own texts, and those that come with Heyday where it has none.

    own: by message type and language.   language: that of who has none, or one there is no text in.
    company: its name, in texts that ask for it.   has_links: whether people can follow links to
    unsubscribe. Raises TextRefused for a text of the company that cannot be used.
    """

    def __init__(
        self,
        own: Sources | None = None,
        *,
        language: str = ENGLISH,
        company: str = "",
        has_links: bool = True,
    ) -> None:
        self._common = {
            "company": company,
            "unsubscribe_link": UNSUBSCRIBE_PLACE if has_links else "",
        }
        self._own: dict[tuple[str, str], Text] = {}
        for (message_type, tag), source in (own or {}).items():
            known = _known(tag)
            self._own[message_type, known] = self.check(message_type, known, source)
        self.languages = frozenset(ready_languages()) | {known for _, known in self._own}
        self._language = nearest(canonical(language) or ENGLISH, self.languages) or ENGLISH
        self._find = lru_cache(maxsize=_REMEMBERED)(self._search)
        self._wording = lru_cache(maxsize=_REMEMBERED)(self._make_wording)

    def language_for(self, locale: str | None) -> str:
        """Return the language whose texts a person gets, by their locale: the nearest there is."""
        tag = canonical(locale) if locale else None
        return (nearest(tag, self.languages) if tag else None) or self._language

    def has_language(self, locale: str) -> bool:
        """Tell whether there are texts in a language, or in one that it falls back to."""
        tag = canonical(locale)
        return tag is not None and nearest(tag, self.languages) is not None

    def is_personal(self, message_type: str, language: str) -> bool:
        """Tell whether the text asks something about a name, so that `compose` must make it."""
        return self._find(message_type, language).is_personal

    def wordings(
        self, message_type: str, language: str, years: Sequence[int], days: Sequence[date]
    ) -> Sequence[Wording]:
        """Return what serves any of these years on any of these days.

        Raises ValueError if the text is personal, TextFailed if it grows too large.
        """
        text = self._find(message_type, language)
        if text.is_personal:
            raise ValueError(
                f"the text of {message_type} in {language} is composed for each person"
            )
        counts = sorted(set(years)) if text.has_years else [None]
        dates = sorted(set(days)) if text.has_date else [None]
        return [self._wording(message_type, language, n, on) for n in counts for on in dates]

    def compose(self, message_type: str, language: str, on: date, person: Person) -> Composed:
        """Return the whole text for one person. Raises TextFailed if it grows too large."""
        text, greeted = self._find(message_type, language), without_place(person)
        if text.is_personal:
            return text.render(greeted, on, self._common)
        years = person.years if text.has_years else None
        made = self._wording(message_type, language, years, on if text.has_date else None)
        return fill(Composed(made.subject, made.text, made.html), greeted)

    def check(self, message_type: str, language: str, source: TextSource) -> Text:
        """Return the text that a source makes. Raises TextRefused for one that cannot be used."""
        known = _known(language)
        if source.subject is None:
            near = nearest(known, ready_languages())
            ready = find_ready(message_type, near) if near else None
            if ready is None or ready.subject is None:
                detail = f"is needed, for Heyday has none in {known}"
                raise TextRefused([FieldProblem("subject", detail)])
            source = replace(source, subject=ready.subject)
        return make_text(message_type, known, source)

    def _make_wording(
        self, message_type: str, language: str, years: int | None, on: date | None
    ) -> Wording:
        made = self._find(message_type, language).pattern(years, on, self._common)
        return Wording(language, years, on, made.subject, made.text, made.html)

    def _search(self, message_type: str, language: str) -> Text:
        """Return the text that is nearest: in the language, the company's, or English."""
        for wanted in (language, self._language, ENGLISH):
            mine = nearest(wanted, {tag for name, tag in self._own if name == message_type})
            if mine:
                return self._own[message_type, mine]
            near = nearest(wanted, ready_languages())
            if near and (source := find_ready(message_type, near)):
                return make_text(message_type, near, source)
        raise AssertionError(f"every message type has an English text, and {message_type} has none")


def _known(tag: str) -> str:
    """Return a tag as BCP 47 writes it. Raises TextRefused for no language that is known."""
    known = canonical(tag)
    if known is None or locale_of(known) is None:
        raise TextRefused(
            [FieldProblem("language", "is no known language; expected such as pt-BR")]
        )
    return known
