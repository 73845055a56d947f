"""Make a text of its three parts, and render it: for a person, or with places left for names."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from babel.dates import format_date
from markupsafe import escape

from heyday.domain.errors import FieldProblem, TextFailed, TextRefused
from heyday.domain.text_ports import (
    UNSUBSCRIBE_PLACE,
    YEARS_UNKNOWN,
    Composed,
    Person,
    TextSource,
)
from heyday.texts.languages import is_family_first, locale_of
from heyday.texts.template import (
    GROWN,
    LARGEST,
    Malformed,
    Template,
    Unknown,
    make_template,
    size_of,
)
from heyday.texts.vocabulary import known_to

# Stand for the names while a text is rendered for everybody; no text may hold them.
_FIRST, _LAST = "\ufdd1", "\ufdd2"
_PLACES = str.maketrans({"%": "%%", _FIRST: "%1$s", _LAST: "%2$s"})
_PLACE = re.compile(r"%(?:%|1\$s|2\$s)")

# What is left of lines on which only a condition stood.
_BLANK_LINES = re.compile(r"\n{3,}")

_UNKNOWN = Unknown()
_LONGEST_NAME = "'" * 100
_SOME_DAY = date(2000, 9, 28)


@dataclass(frozen=True, slots=True)
class Text:
    """Hold what is said for a message type in a language, ready to be rendered.

    language: the one it is written in, which may be another than the one it serves.
    """

    language: str
    subject: Template
    text: Template
    html: Template | None

    @property
    def is_personal(self) -> bool:
        """Tell whether it asks something about a name."""
        return any(part.reading.asks_names for part in self._parts)

    @property
    def has_years(self) -> bool:
        """Tell whether it depends on the number of years."""
        return any(part.reading.has_years for part in self._parts)

    @property
    def has_date(self) -> bool:
        """Tell whether it depends on the day."""
        return any(part.reading.has_date for part in self._parts)

    def render(self, person: Person, on: date | None, common: Mapping[str, str]) -> Composed:
        """Return the text for one person. on: None will do for a text without a date.

        common: what stands in the places that say the same to all.   Raises TextFailed.
        """
        first, last = person.first_name, person.last_name
        years = _UNKNOWN if person.years == YEARS_UNKNOWN else person.years
        values: dict[str, object] = {
            **common,
            "first_name": first,
            "last_name": last,
            "full_name": f"{last} {first}" if is_family_first(self.language) else f"{first} {last}",
            "years": years,
            "age": years,
            "date": format_date(on, "long", locale=locale_of(self.language)) if on else "",
        }
        return _each(
            Composed(
                self.subject.render(values),
                self.text.render(values),
                self.html.render(values) if self.html else None,
            ),
            _tidy,
        )

    def pattern(self, years: int | None, on: date | None, common: Mapping[str, str]) -> Composed:
        """Return the text as patterns of PostgreSQL's format(), with places for the names.

        years, on: None where it says the same for any.
        """
        nobody = Person(_FIRST, _LAST, YEARS_UNKNOWN if years is None else years)
        return _each(self.render(nobody, on, common), lambda part: part.translate(_PLACES))

    @property
    def _parts(self) -> tuple[Template, ...]:
        return (self.subject, self.text, *((self.html,) if self.html else ()))


def fill(pattern: Composed, person: Person) -> Composed:
    """Return a text of which only the names were missing, as PostgreSQL's format() does.

    Raises TextFailed if it grows too large.
    """
    plain = {"%%": "%", "%1$s": person.first_name, "%2$s": person.last_name}
    escaped = {place: str(escape(value)) for place, value in plain.items()}
    return Composed(
        _filled(pattern.subject, plain),
        _filled(pattern.text, plain),
        None if pattern.html is None else _filled(pattern.html, escaped),
    )


def without_place(person: Person) -> Person:
    """Return a person whose names hold no place for a link: that would be filled in as one."""
    first, last = (
        name.replace(UNSUBSCRIBE_PLACE, "") for name in (person.first_name, person.last_name)
    )
    return Person(first, last, person.years)


@lru_cache(maxsize=512)
def make_text(message_type: str, language: str, source: TextSource) -> Text:
    """Return a text of its sources. Raises TextRefused that names part and line of each fault.

    It is also tried out, so that no name can make it too large. A subject must be given.
    """
    problems: list[FieldProblem] = []
    parts: dict[str, Template] = {}
    for name, written in (
        ("subject", source.subject or ""),
        ("text", source.text),
        ("html", source.html),
    ):
        if written is None:
            continue
        try:
            parts[name] = make_template(written, message_type, language, name)
        except Malformed as error:
            problems += [FieldProblem(name, f"line {f.line}: {f.detail}") for f in error.faults]
    if problems:
        raise TextRefused(_with_known(problems, message_type))
    made = Text(language, parts["subject"], parts["text"], parts.get("html"))
    _try_out(made)
    return made


def _each(composed: Composed, change: Callable[[str], str]) -> Composed:
    html = None if composed.html is None else change(composed.html)
    return Composed(change(composed.subject), change(composed.text), html)


def _tidy(rendered: str) -> str:
    return _BLANK_LINES.sub("\n\n", rendered).strip("\n")


def _filled(pattern: str, values: Mapping[str, str]) -> str:
    filled = _PLACE.sub(lambda match: values[match[0]], pattern)
    if size_of(filled) > LARGEST:
        raise TextFailed(GROWN)
    return filled


def _with_known(problems: list[FieldProblem], message_type: str) -> list[FieldProblem]:
    """Return the problems, the last of which also says what a text may hold."""
    last = problems[-1]
    detail = f"{last.detail} (known: {known_to(message_type)})"
    return [*problems[:-1], FieldProblem(last.field, detail)]


def _try_out(made: Text) -> None:
    """Raise TextRefused for a text that long names make too large, or that says nothing."""
    common = {"company": _LONGEST_NAME, "unsubscribe_link": UNSUBSCRIBE_PLACE}
    for person in (Person(_LONGEST_NAME, _LONGEST_NAME, 100), Person("a", "b", YEARS_UNKNOWN)):
        try:
            tried = made.render(person, _SOME_DAY, common)
        except TextFailed as error:
            raise TextRefused([FieldProblem("text", str(error))]) from None
        for name, part in (("subject", tried.subject), ("text", tried.text)):
            if not part.strip():
                raise TextRefused([FieldProblem(name, "says nothing at all; write a greeting")])
