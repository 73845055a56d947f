"""Load a company's own texts from a folder: birthday.de.txt, birthday.de.subject.txt, and HTML."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heyday.domain.errors import ConfigurationError, TextRefused
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.text_ports import TextSource
from heyday.texts.book import Book
from heyday.texts.languages import canonical, locale_of
from heyday.texts.template import LARGEST

_NAME = re.compile(
    r"(?P<type>[a-z][a-z0-9_]*)\.(?P<language>[A-Za-z0-9_-]+)\.(?P<part>subject\.txt|txt|html)"
)
_PARTS = {"subject.txt": "subject", "txt": "text", "html": "html"}
_EXPECTED = "expected such as birthday.de.txt, birthday.de.subject.txt, birthday.de.html"
# What editors leave, and what people write about a folder.
_IGNORED = re.compile(r"\..*|.*~|.*\.(bak|swp|orig)|README.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _File:
    """Hold one file, read."""

    path: Path
    message_type: str
    language: str
    part: str
    text: str


def load_folder(folder: Path) -> dict[tuple[str, str], TextSource]:
    """Return a company's own texts, each of them checked, by message type and language.

    Raises ConfigurationError that names file and line of all that is wrong.
    """
    faults: list[str] = []
    texts: dict[tuple[str, str], dict[str, _File]] = {}
    for file in _files(folder, faults):
        parts = texts.setdefault((file.message_type, file.language), {})
        if file.part in parts:
            faults.append(f"{file.path.name}: {parts[file.part].path.name} is the same text")
        parts[file.part] = file
    sources = {
        key: source for key, parts in texts.items() if (source := _source(key, parts, faults))
    }
    if faults:
        lines = "\n  ".join(faults)
        raise ConfigurationError(f"the texts in HEYDAY_TEXTS={folder} are wrong:\n  {lines}")
    return sources


def _files(folder: Path, faults: list[str]) -> Iterator[_File]:
    """Yield the files of a folder that are read; note what is wrong with the others."""
    if not folder.is_dir():
        raise ConfigurationError(f"HEYDAY_TEXTS={folder} is no folder; expected one of texts")
    for path in sorted(folder.iterdir()):
        if _IGNORED.fullmatch(path.name):
            continue
        try:
            yield _read(path)
        except (ValueError, OSError) as error:
            said = error.strerror if isinstance(error, OSError) else error
            faults.append(f"{path.name}: {said}")


def _read(path: Path) -> _File:
    """Read one file. Raises ValueError that says what is wrong, or OSError."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"is named like no text; {_EXPECTED}")
    types = {t.name.lower(): t.name for t in MESSAGE_TYPES}
    if match["type"] not in types:
        raise ValueError(f"{match['type']} is no message type; known: {', '.join(types)}")
    language = canonical(match["language"])
    if language is None or locale_of(language) is None:
        raise ValueError(f"{match['language']} is no known language; expected such as de or pt-BR")
    if (size := path.stat().st_size) > LARGEST:
        raise ValueError(f"has {size} bytes; at most {LARGEST} are allowed")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes().count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line}: is not UTF-8; save it as UTF-8") from None
    return _File(path, types[match["type"]], language, _PARTS[match["part"]], text)


def _source(key: tuple[str, str], parts: dict[str, _File], faults: list[str]) -> TextSource | None:
    """Return the source that files make together; None if they make none, which is noted."""
    if "text" not in parts:
        path = next(iter(parts.values())).path
        faults.append(f"{path.name}: {key[0].lower()}.{key[1]}.txt is missing, which says it all")
        return None
    subject, html = parts.get("subject"), parts.get("html")
    source = TextSource(
        subject.text if subject else None, parts["text"].text, html.text if html else None
    )
    try:
        Book().check(*key, source)
    except TextRefused as error:
        for problem in error.problems:
            named = parts.get(problem.field, parts["text"]).path.name
            faults.append(f"{named}: {problem.detail}")
        return None
    return source
