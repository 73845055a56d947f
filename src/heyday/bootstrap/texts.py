"""Build the book of texts."""

from collections.abc import Mapping

from heyday.domain.errors import ConfigurationError
from heyday.domain.text_ports import TextSource
from heyday.settings import Settings
from heyday.texts.book import Book
from heyday.texts.folder import load_folder


def build_book(
    settings: Settings, stored: Mapping[tuple[str, str], TextSource] | None = None
) -> Book:
    """Return the book of a company's own texts and of those that come with Heyday.

    stored: what was written through the API, which goes before the files of HEYDAY_TEXTS.
    Raises ConfigurationError for a file that cannot be used, and for a language without texts.
    """
    files = load_folder(settings.texts) if settings.texts else {}
    book = Book(
        {**files, **(stored or {})},
        language=settings.language,
        company=settings.company,
        has_links=settings.public_url is not None,
    )
    if not book.has_language(settings.language):
        known = ", ".join(sorted(book.languages))
        raise ConfigurationError(
            f"HEYDAY_LANGUAGE={settings.language} has no texts; known: {known}; or put your own "
            "into HEYDAY_TEXTS"
        )
    return book
