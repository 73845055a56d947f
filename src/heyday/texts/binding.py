"""Make books of a company's own texts, and of those that are there without its doing."""

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.text_ports import Sources, TextSource
from heyday.texts.book import Book
from heyday.texts.ready import ENGLISH, find_ready, ready_languages


class Library:
    """Be the TextLibrary.

    files: a company's own texts from a folder.   language, company, has_links: as of Book.
    """

    def __init__(
        self,
        files: Sources | None = None,
        *,
        language: str = ENGLISH,
        company: str = "",
        has_links: bool = True,
    ) -> None:
        self._files = dict(files or {})
        self._language = language
        self._company = company
        self._has_links = has_links
        self._plain = Book()

    @property
    def ready(self) -> Sources:
        """Return the texts of files, and those that come with Heyday where there is no file."""
        found = {
            (message_type.name, language): source
            for message_type in MESSAGE_TYPES
            for language in ready_languages()
            if (source := find_ready(message_type.name, language))
        }
        return {**found, **self._files}

    def check(self, message_type: str, language: str, source: TextSource) -> None:
        """Return if the text can be used. Raises TextRefused naming part, line, what is known."""
        self._plain.check(message_type, language, source)

    def bind(self, own: Sources) -> Book:
        """Return the book: own texts go before files, and those before what comes with Heyday.

        Raises TextRefused for one of them that cannot be used.
        """
        return Book(
            {**self._files, **own},
            language=self._language,
            company=self._company,
            has_links=self._has_links,
        )
