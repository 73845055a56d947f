"""Build what makes books of texts."""

from heyday.domain.errors import ConfigurationError
from heyday.settings import Settings
from heyday.texts.binding import Library
from heyday.texts.folder import load_folder


def build_library(settings: Settings) -> Library:
    """Return what makes books of a company's own texts, its files, and what comes with Heyday.

    Raises ConfigurationError for a file that cannot be used.
    """
    return Library(
        load_folder(settings.texts) if settings.texts else None,
        language=settings.language,
        company=settings.company,
        has_links=settings.public_url is not None,
    )


def refuse_unknown_language(settings: Settings, library: Library) -> None:
    """Raise ConfigurationError unless a file or Heyday has a text in the company's language."""
    book = library.bind({})
    if not book.has_language(settings.language):
        known = ", ".join(sorted(book.languages))
        raise ConfigurationError(
            f"HEYDAY_LANGUAGE={settings.language} has no texts; known: {known}; or put your own "
            "into HEYDAY_TEXTS"
        )
