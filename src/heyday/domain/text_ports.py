"""Say what planning asks of the book of texts, which knows languages and nothing of the database.

A text is written for a message type and a language. Nearly all of it depends on the language, the
day and the number of years alone; the book fills that in and leaves places for names, so that
PostgreSQL composes greetings in the planning statement. A text that asks something about a name
(a filter, a condition) is composed for each person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

YEARS_UNKNOWN = -1
"""The number of years where the year of the person's date is not known."""

UNSUBSCRIBE_PLACE = "\ufdd0"
"""Stands in a composed text where the link to unsubscribe goes, which is a secret of the person's
and filled in as the letter is written. A character that no text may hold otherwise: it is taken
out of names that are filled in."""


@dataclass(frozen=True, slots=True)
class Wording:
    """Hold a text in which only names are missing: patterns for PostgreSQL's format().

    Places are %1$s, the first name, and %2$s, the last; % itself is %%. Of both UNSUBSCRIBE_PLACE
    is taken out before. In `html` they must be escaped: & first, as &amp;, then < > " ' as &lt;
    &gt; &#34; &#39;.   language: the one it serves.   years, on: what it was filled in for; None:
    it says the same for any.
    """

    language: str
    years: int | None
    on: date | None
    subject: str
    text: str
    html: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """Hold what a text may know of a person. years: since their date, or YEARS_UNKNOWN."""

    first_name: str
    last_name: str
    years: int


@dataclass(frozen=True, slots=True)
class Composed:
    """Hold a greeting's text as it is frozen in its row; subject: one line."""

    subject: str
    text: str
    html: str | None


class TextBook(Protocol):
    """Know the texts of all message types in all languages, as they are now."""

    def language_for(self, locale: str | None) -> str:
        """Return the language whose texts a person gets, by their locale: the nearest there is.

        None, and what is like no language there is: the company's own.
        """
        ...

    def is_personal(self, message_type: str, language: str) -> bool:
        """Tell whether the text asks something about a name, so that `compose` must make it."""
        ...

    def wordings(
        self, message_type: str, language: str, years: Sequence[int], days: Sequence[date]
    ) -> Sequence[Wording]:
        """Return what serves any of these years on any of these days; for a text that is none's.

        Of those that fit a greeting exactly one does. Raises ValueError if it is personal.
        """
        ...

    def compose(self, message_type: str, language: str, on: date, person: Person) -> Composed:
        """Return the whole text for one person: what `wordings` would come to, too.

        Raises TextFailed if the text could not be rendered within its limits.
        """
        ...


@dataclass(frozen=True, slots=True)
class TextSource:
    """Hold what somebody wrote for a message type in a language, with its places for names and all.

    subject: None: the one that comes with Heyday for this language.   html: None: there is none.
    """

    subject: str | None
    text: str
    html: str | None


Sources = Mapping[tuple[str, str], TextSource]
"""Texts as they are written, by message type and language."""


class TextLibrary(Protocol):
    """Know how texts are written, and the ready ones; make books of them."""

    @property
    def ready(self) -> Sources:
        """Return the texts that are there without anybody's doing."""
        ...

    def check(self, message_type: str, language: str, source: TextSource) -> None:
        """Return if the text can be used. Raises InvalidInput naming subject, text or html."""
        ...

    def bind(self, own: Sources) -> TextBook:
        """Return the book of the ready texts and a company's own, which take their place."""
        ...


class BookShelf(Protocol):
    """Hold the book as it was last read."""

    @property
    def book(self) -> TextBook:
        """Return it."""
        ...

    async def look(self) -> None:
        """Read it anew if a few seconds have passed since. Call it outside of transactions."""
        ...

    async def refresh(self) -> None:
        """Read it anew if a text has changed. Call it outside of transactions."""
        ...
