"""Show in which languages there are texts, and how many people get each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from heyday.domain.language_ports import LocaleCounts, LocaleStore
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.text_ports import BookShelf, TextBook
from heyday.services.texts import ShownText, TextService


@dataclass(frozen=True, slots=True)
class Language:
    """Show a language.

    texts: by message type; None where there is none, and another language's serves.   people: how
    many get it; None where nobody knows.   is_usual: those get it who have no locale.
    """

    tag: str
    texts: Mapping[str, ShownText | None]
    people: int | None
    is_usual: bool


@dataclass(frozen=True, slots=True)
class Languages:
    """Show all languages. estimated_at: of when the numbers of people are; None: of now."""

    items: Sequence[Language]
    estimated_at: datetime | None = None


class LanguageService:
    """Tell which languages there are. locales: None where people are not counted."""

    def __init__(self, texts: TextService, shelf: BookShelf, locales: LocaleStore | None) -> None:
        self._texts = texts
        self._shelf = shelf
        self._locales = locales

    async def list_all(self) -> Languages:
        """Return every language that there is a text in, by its tag."""
        texts = {(text.message_type, text.language): text for text in await self._texts.list_all()}
        await self._shelf.look()
        book = self._shelf.book
        counts = await self._locales.count() if self._locales else None
        people, usual = _by_language(book, counts), book.language_for(None)
        items = [
            Language(
                tag,
                {each.name: texts.get((each.name, tag)) for each in MESSAGE_TYPES},
                None if people is None else people[tag],
                is_usual=tag == usual,
            )
            for tag in sorted({language for _, language in texts})
        ]
        return Languages(items, counts.estimated_at if counts else None)

    async def language_for(self, locale: str | None) -> str:
        """Return the language that somebody of a locale is greeted in."""
        await self._shelf.look()
        return self._shelf.book.language_for(locale)


def _by_language(book: TextBook, counts: LocaleCounts | None) -> Counter[str] | None:
    if counts is None:
        return None
    found: Counter[str] = Counter()
    for locale, people in counts.by_locale.items():
        found[book.language_for(locale)] += people
    return found
