"""Keep companies' own texts, show them beside the ready ones, and hold the book of both."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import structlog

from heyday.domain.errors import FieldProblem, InvalidInput, TextNotFound
from heyday.domain.locales import NO_TAG, normalize_locale
from heyday.domain.message_types import get_message_type
from heyday.domain.own_texts import READY, OwnText, TextStore, Versions, read_source
from heyday.domain.ports import Clock
from heyday.domain.text_ports import (
    Composed,
    Person,
    Sources,
    TextBook,
    TextLibrary,
    TextSource,
    Wording,
)

log = structlog.get_logger()

KEPT_FOR = timedelta(seconds=5)
"""How long a book is gone by before it is asked whether texts have changed."""


@dataclass(frozen=True, slots=True)
class ShownText:
    """Show a text. version: READY if nobody wrote it; then it has no updated_at."""

    message_type: str
    language: str
    source: TextSource
    version: str = READY
    updated_at: datetime | None = None

    @property
    def is_own(self) -> bool:
        """Tell whether the company wrote it."""
        return self.version != READY

    @classmethod
    def of(cls, own: OwnText) -> "ShownText":
        """Return a company's own text as shown."""
        return cls(*own.key, own.source, str(own.version), own.updated_at)


class PlainBook:
    """Be another book without its HTML (text_ports.TextBook): for greetings that take none."""

    def __init__(self, book: TextBook) -> None:
        self._book = book

    def language_for(self, locale: str | None) -> str:
        """Return what the book says."""
        return self._book.language_for(locale)

    def is_personal(self, message_type: str, language: str) -> bool:
        """Return what the book says."""
        return self._book.is_personal(message_type, language)

    def wordings(
        self, message_type: str, language: str, years: Sequence[int], days: Sequence[date]
    ) -> Sequence[Wording]:
        """Return the book's, without HTML."""
        found = self._book.wordings(message_type, language, years, days)
        return [replace(each, html=None) for each in found]

    def compose(self, message_type: str, language: str, on: date, person: Person) -> Composed:
        """Return what the book makes, without HTML."""
        return replace(self._book.compose(message_type, language, on, person), html=None)


class TextShelf:
    """Hold the book of ready and own texts (text_ports.BookShelf).

    has_html: whether greetings leave with HTML; else none is composed.
    """

    def __init__(
        self, store: TextStore, library: TextLibrary, clock: Clock, *, has_html: bool = True
    ) -> None:
        self._store = store
        self._library = library
        self._clock = clock
        self._has_html = has_html
        self._book = self._bind({})
        self._versions: Versions = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    @property
    def book(self) -> TextBook:
        """Return the book as it was last read; before that, that of the ready texts."""
        return self._book

    async def look(self) -> None:
        """Read it anew if a few seconds have passed since. Raises DatabaseError."""
        now = self._clock.monotonic()
        if self._read_at is None or now - self._read_at >= KEPT_FOR.total_seconds():
            await self.refresh()

    async def refresh(self) -> None:
        """Read it anew if a text has changed. Raises DatabaseError."""
        async with self._reading:
            asked_at = self._clock.monotonic()
            if await self._store.list_versions() != self._versions:
                texts = await self._store.list_all()
                self._book = self._bind(dict(self._usable(texts)))
                self._versions = {own.key: own.version for own in texts}
            self._read_at = asked_at

    def _bind(self, own: Sources) -> TextBook:
        book = self._library.bind(own)
        return book if self._has_html else PlainBook(book)

    def _usable(self, texts: Sequence[OwnText]) -> Iterator[tuple[tuple[str, str], TextSource]]:
        """Leave out what SQL, or an older release, has put there and no plan can use."""
        for own in texts:
            try:
                self._library.check(*own.key, own.source)
            except InvalidInput as error:
                parts = sorted({problem.field for problem in error.problems})
                place = {"message_type": own.message_type, "language": own.language}
                log.warning("text_refused", **place, parts=parts)
            else:
                yield own.key, own.source

    def forget(self) -> None:
        """Have the next look read: a text has changed."""
        self._read_at = None


class TextService:
    """Show and change texts. message_type, language: whatever their case."""

    def __init__(
        self, store: TextStore, library: TextLibrary, shelf: TextShelf, clock: Clock
    ) -> None:
        self._store = store
        self._library = library
        self._shelf = shelf
        self._clock = clock

    async def list_all(self) -> Sequence[ShownText]:
        """Return every text there is, own ones in the place of ready ones, by type and language."""
        texts = {key: ShownText(*key, source) for key, source in self._library.ready.items()}
        texts |= {own.key: ShownText.of(own) for own in await self._store.list_all()}
        return [texts[key] for key in sorted(texts)]

    async def get(self, message_type: str, language: str) -> ShownText:
        """Return a text. Raises MessageTypeNotFound, TextNotFound."""
        kind, tag = get_message_type(message_type).name, normalize_locale(language)
        if tag is None:
            raise TextNotFound
        if own := await self._store.find(kind, tag):
            return ShownText.of(own)
        if ready := self._library.ready.get((kind, tag)):
            return ShownText(kind, tag, ready)
        raise TextNotFound

    async def put(
        self,
        message_type: str,
        language: str,
        given: Mapping[str, object],
        expected: Collection[str] | None = None,
    ) -> ShownText:
        """Store a text in the place of what there was.

        Raises MessageTypeNotFound, InvalidInput, TextChanged.
        """
        key, source = self.read(message_type, language, given)
        own = await self._store.put(key, source, self._clock.now(), expected)
        self._shelf.forget()
        return ShownText.of(own)

    async def delete(
        self, message_type: str, language: str, expected: Collection[str] | None = None
    ) -> None:
        """Remove a company's own text; the ready one is back. Raises TextNotFound, TextChanged."""
        kind, tag = get_message_type(message_type).name, normalize_locale(language)
        if tag is None or not await self._store.delete(kind, tag, expected):
            raise TextNotFound
        self._shelf.forget()

    def read(
        self, message_type: str, language: str, given: Mapping[str, object]
    ) -> tuple[tuple[str, str], TextSource]:
        """Return the type and language of a text that can be used, and the text.

        Raises MessageTypeNotFound, InvalidInput.
        """
        kind, tag = get_message_type(message_type).name, normalize_locale(language)
        if tag is None:
            raise InvalidInput([FieldProblem("language", NO_TAG)])
        source = read_source(given)
        self._library.check(kind, tag, source)
        return (kind, tag), source

    async def list_refused(self) -> Sequence[ShownText]:
        """Return own texts that no plan can use: SQL, or an older release, has put them there."""
        refused = []
        for own in await self._store.list_all():
            try:
                self._library.check(*own.key, own.source)
            except InvalidInput:
                refused.append(ShownText.of(own))
        return refused

    def book_of(self, own: Sources) -> TextBook:
        """Return the book that has these texts, and ready ones beside them."""
        return self._library.bind(own)
