"""Name languages, in English and as their own speakers do."""

from heyday.texts.languages import is_right_to_left, locale_of

__all__ = ["direction_of", "name_of", "native_name_of"]


def name_of(tag: str) -> str | None:
    """Return what a language is called in English; None for one that is not known."""
    locale = locale_of(tag)
    return locale.get_display_name("en") if locale else None


def native_name_of(tag: str) -> str:
    """Return what a language calls itself; its tag where nobody knows."""
    locale = locale_of(tag)
    return (locale.get_display_name() if locale else None) or tag


def direction_of(tag: str) -> str:
    """Return how a language runs, as HTML says it."""
    return "rtl" if is_right_to_left(tag) else "ltr"
