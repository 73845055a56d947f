"""Read the texts that come with Heyday: files of this package, a folder for each language."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from heyday.domain.message_types import MessageType, get_message_type
from heyday.domain.text_ports import TextSource
from heyday.texts.framing import make_html
from heyday.texts.languages import canonical, nearest

FOLDER = Path(__file__).parent / "ready"

ENGLISH = "en"
"""The language in which every message type has a text, for its declaration has one."""

_SUBJECT = "Hey, {{ first_name }}!"
_BRACES = re.compile(r"\{\{|\}\}|\{(\w+)\}")


@cache
def ready_languages() -> Mapping[str, Path]:
    """Return the languages that come with Heyday, and where their texts are."""
    return {str(canonical(path.name)): path for path in sorted(FOLDER.iterdir()) if path.is_dir()}


@cache
def find_ready(message_type: str, language: str) -> TextSource | None:
    """Return the text that comes with Heyday, if there is one.

    English says what the declaration of the message type says, and HTML what the text says.
    """
    if (folder := ready_languages().get(language)) is None:
        return None
    stem = message_type.lower()
    subject = _read(folder / f"{stem}.subject.txt")
    text = _read(folder / f"{stem}.txt")
    if language == ENGLISH:
        subject, text = subject or _SUBJECT, _declared(get_message_type(message_type))
    if subject is None or text is None:
        return None
    return TextSource(subject, text, dress(language, subject, text))


def dress(language: str, subject: str, text: str) -> str:
    """Return the HTML of a text, as the texts that come with Heyday have it.

    What the link to unsubscribe is called is told in the language that is nearest, or in English.
    """
    languages = ready_languages()
    known = canonical(language) or ENGLISH
    folder = languages[nearest(known, languages.keys()) or ENGLISH]
    footer = _read(folder / "unsubscribe.txt") or ""
    return make_html(known, subject, text, footer)


def _read(path: Path) -> str | None:
    return path.read_text("utf-8").rstrip("\n") if path.is_file() else None


def _declared(message_type: MessageType) -> str:
    """Return the text of a declaration as the book writes texts."""
    text, for_one, without = (
        _BRACES.sub(_as_place, written)
        for written in (
            message_type.text,
            message_type.text_for_one,
            message_type.text_without_year,
        )
    )
    if text == for_one == without:
        return text
    return (
        f"{{% if years == 1 %}}{for_one}{{% elif years or years == 0 %}}{text}"
        f"{{% else %}}{without}{{% endif %}}"
    )


def _as_place(match: re.Match[str]) -> str:
    """Return a place of a declaration, such as {n}, or a doubled brace, as the book writes it."""
    name = match[1]
    if name is None:
        return f"{{{{ '{match[0][0]}' }}}}"
    return f"{{{{ {'years' if name == 'n' else name} }}}}"
