"""Build what knows the texts of greetings."""

from functools import cached_property

from heyday.db.connection import Database
from heyday.db.texts import TextRepository
from heyday.domain.ports import Clock
from heyday.domain.seed_texts import SeedLibrary
from heyday.domain.text_ports import TextLibrary
from heyday.services.text_preview import TextPreviewService
from heyday.services.texts import TextService, TextShelf
from heyday.services.users import UserService


class TextParts:
    """Hold the parts. library: knows how texts are written."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        library: TextLibrary | None = None,
    ) -> None:
        self._store = TextRepository(database)
        self._clock = clock
        self._library = library or SeedLibrary()

    @cached_property
    def shelf(self) -> TextShelf:
        """Return what holds the book for planners."""
        return TextShelf(self._store, self._library, self._clock)

    @cached_property
    def own(self) -> TextService:
        """Return what shows and changes texts."""
        return TextService(self._store, self._library, self.shelf, self._clock)

    def previews(self, people: UserService) -> TextPreviewService:
        """Return what renders texts for these people."""
        return TextPreviewService(self.own, people, self._clock)
