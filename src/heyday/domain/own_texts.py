"""Say what is kept of a company's own texts, and who keeps it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.text_ports import TextSource

READY = "ready"
"""The version of a text that a company has not written itself."""

SUBJECT_LENGTH, TEXT_LENGTH, HTML_LENGTH = 1_000, 20_000, 60_000
"""How long a text may be, in characters, before anything is filled in."""

FIELDS = ("subject", "text", "html")
Versions = Mapping[tuple[str, str], int]
"""The version of each text, by message type and language."""


@dataclass(frozen=True, slots=True)
class OwnText:
    """Hold a text that a company wrote. version: another after each change, whoever made it."""

    message_type: str
    language: str
    source: TextSource
    version: int
    updated_at: datetime

    @property
    def key(self) -> tuple[str, str]:
        """Return its message type and language."""
        return self.message_type, self.language


class TextStore(Protocol):
    """Keep companies' own texts.

    expected: where it is given, a change raises TextChanged, and does nothing, unless the text has
    one of these versions; READY is that of a text that is not there.
    """

    async def list_versions(self) -> Versions:
        """Return the version of each text."""
        ...

    async def list_all(self) -> Sequence[OwnText]:
        """Return all texts, by message type and language."""
        ...

    async def find(self, message_type: str, language: str) -> OwnText | None:
        """Return one."""
        ...

    async def put(
        self,
        key: tuple[str, str],
        source: TextSource,
        now: datetime,
        expected: Collection[str] | None,
    ) -> OwnText:
        """Store a text, or overwrite it. Raises TextChanged."""
        ...

    async def delete(
        self, message_type: str, language: str, expected: Collection[str] | None
    ) -> bool:
        """Remove a text; tell whether there was one. Raises TextChanged."""
        ...


def read_source(given: Mapping[str, object]) -> TextSource:
    """Return the text that a JSON object holds. Raises InvalidInput naming what is wrong."""
    known = ", ".join(FIELDS)
    problems = [
        FieldProblem(name, f"is not a field of a text; known: {known}")
        for name in given
        if name not in FIELDS
    ]
    limits = {"subject": SUBJECT_LENGTH, "text": TEXT_LENGTH, "html": HTML_LENGTH}
    for name, longest in limits.items():
        if fault := _find_fault(given.get(name), longest, is_optional=name != "text"):
            problems.append(FieldProblem(name, fault))
    if problems:
        raise InvalidInput(problems)
    subject, html = (
        None if (value := given.get(name)) is None else str(value) for name in ("subject", "html")
    )
    return TextSource(subject, str(given["text"]), html)


def _find_fault(value: object, longest: int, *, is_optional: bool) -> str | None:
    if value is None and is_optional:
        return None
    if not isinstance(value, str) or not value.strip():
        return "must be a text" + (", or null" if is_optional else "")
    if len(value) > longest:
        return f"has {len(value)} characters; at most {longest} are allowed"
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        return "holds NUL or half a surrogate pair; remove it"
    return None
