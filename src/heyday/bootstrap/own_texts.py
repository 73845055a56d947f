"""Build what knows the texts of greetings."""

from functools import cached_property

from heyday.bootstrap.binding import build_library
from heyday.db.connection import Database
from heyday.db.locales import LocaleRepository
from heyday.db.texts import TextRepository
from heyday.domain.ports import Clock
from heyday.domain.text_ports import TextBook
from heyday.services.languages import LanguageService
from heyday.services.text_preview import TextPreviewService
from heyday.services.texts import TextService, TextShelf
from heyday.services.users import UserService
from heyday.settings import Settings
from heyday.settings.choices import SenderName

_TAKE_TEXT_ALONE = frozenset({SenderName.HTTP})


class TextParts:
    """Hold the parts. Raises ConfigurationError for a file of HEYDAY_TEXTS that cannot be used."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self._database = database
        self._store = TextRepository(database)
        self._clock = clock
        self._library = build_library(settings)
        self._has_html = not _TAKE_TEXT_ALONE.issuperset(settings.sender_names)

    @cached_property
    def shelf(self) -> TextShelf:
        """Return what holds the book for planners."""
        parts = (self._store, self._library, self._clock)
        return TextShelf(*parts, has_html=self._has_html)

    async def read_book(self) -> TextBook:
        """Return the book as it is now, HTML included. Raises DatabaseError."""
        shelf = TextShelf(self._store, self._library, self._clock)
        await shelf.refresh()
        return shelf.book

    @cached_property
    def own(self) -> TextService:
        """Return what shows and changes texts."""
        return TextService(self._store, self._library, self.shelf, self._clock)

    @cached_property
    def languages(self) -> LanguageService:
        """Return what tells in which languages there are texts, and for how many people."""
        return LanguageService(self.own, self.shelf, LocaleRepository(self._database))

    def previews(self, people: UserService) -> TextPreviewService:
        """Return what renders texts for these people."""
        return TextPreviewService(self.own, people, self._clock)
