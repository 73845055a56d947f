"""Declare the kinds of greeting. A new kind is one more entry in MESSAGE_TYPES and its columns."""

import re
from dataclasses import dataclass

from heyday.domain.errors import MessageTypeNotFound

_PLACES = {"first_name": 1, "last_name": 2, "n": 3}
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,19}")
_DATE_COLUMN = re.compile(r"[a-z][a-z_]*_date")


@dataclass(frozen=True, slots=True)
class MessageType:
    """Describe one kind of greeting.

    date_column: the column of `users` that holds the date it is about.
    text, text_for_one: what it says; places are {first_name}, {last_name} and {n}, the years
    since that date; {{ and }} are braces. `text_for_one` serves n = 1 and may equal `text`.
    text_without_year: what it says where the year of the date is not known; it has no {n}.
    first_year: the least n that is greeted. A work anniversary starts at 1. Who has no year is
    always greeted.
    subject: of a letter whose text brings none of its own.
    """

    name: str
    date_column: str
    text: str
    text_for_one: str
    text_without_year: str
    first_year: int
    subject: str = "Congratulations!"

    def __post_init__(self) -> None:
        """Refuse what would break a key, a statement or a letter later on."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} names no message type; expected capitals, up to 20")
        if not _DATE_COLUMN.fullmatch(self.date_column):
            raise ValueError(f"{self.date_column!r} is no date column; expected such as hired_date")
        for text in (self.text, self.text_for_one, self.text_without_year):
            numbered(text)
        if any(match.group(1) == "n" for match in _BRACES.finditer(self.text_without_year)):
            raise ValueError("'{n}' in a text without a year; expected one that counts no years")

    @property
    def month_day_column(self) -> str:
        """Return the generated column of `users` that holds month * 100 + day of the date."""
        return f"{self.date_column.removesuffix('_date')}_month_day"

    @property
    def unsubscribed_column(self) -> str:
        """Return the column of `users` that says since when a person wants none of this kind."""
        return f"{self.date_column.removesuffix('_date')}_unsubscribed_at"

    @property
    def pattern(self) -> str:
        """Return `text` as a pattern for PostgreSQL's format()."""
        return numbered(self.text)

    @property
    def pattern_for_one(self) -> str:
        """Return `text_for_one` as a pattern for PostgreSQL's format()."""
        return numbered(self.text_for_one)

    @property
    def pattern_without_year(self) -> str:
        """Return `text_without_year` as a pattern for PostgreSQL's format()."""
        return numbered(self.text_without_year)


def numbered(text: str) -> str:
    """Turn named places into the numbered ones of PostgreSQL's format(), and escape the rest.

    Filling all places in one pass keeps a name such as "{n}" from being filled in turn.
    Raises ValueError for a place that no greeting can fill, and for a brace that stands alone.
    """

    def place(match: re.Match[str]) -> str:
        found = match.group()
        if found in {"{{", "}}"}:
            return found[0]
        name = match.group(1)
        if name not in _PLACES:
            known = ", ".join("{" + p + "}" for p in _PLACES)
            raise ValueError(f"{found!r} in a message text is no place; known: {known}, {{{{, }}}}")
        return f"%{_PLACES[name]}$s"

    return _BRACES.sub(place, text.replace("%", "%%"))


BIRTHDAY = MessageType(
    name="BIRTHDAY",
    date_column="birthday_date",
    text="Hey, {first_name} {last_name} it's your birthday",
    text_for_one="Hey, {first_name} {last_name} it's your birthday",
    text_without_year="Hey, {first_name} {last_name} it's your birthday",
    first_year=0,
    subject="Happy birthday!",
)

ANNIVERSARY = MessageType(
    name="ANNIVERSARY",
    date_column="anniversary_date",
    text="Hey, {first_name} {last_name} it's your work anniversary! {n} years with us!",
    text_for_one="Hey, {first_name} {last_name} it's your work anniversary! {n} year with us!",
    text_without_year="Hey, {first_name} {last_name} it's your work anniversary!",
    first_year=1,
    subject="Happy work anniversary!",
)

MESSAGE_TYPES: tuple[MessageType, ...] = (BIRTHDAY, ANNIVERSARY)


def get_message_type(name: str) -> MessageType:
    """Return the message type of this name, whatever its case. Raises MessageTypeNotFound."""
    for message_type in MESSAGE_TYPES:
        if message_type.name == name.upper():
            return message_type
    raise MessageTypeNotFound([message_type.name for message_type in MESSAGE_TYPES])
