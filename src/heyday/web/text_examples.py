"""Explain what a text may ask for, each with what comes of it for somebody invented."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from heyday.domain.text_ports import Person, TextSource
from heyday.texts.counting import known_forms, needed_forms, own_ordinals
from heyday.texts.samples import sample_name
from heyday.texts.text import make_text
from heyday.texts.vocabulary import FILTERS, NUMBERS, UNSUBSCRIBE_LINK, places_of

_YEARS = 10
_COMPANY = {"company": "Northwind", "unsubscribe_link": ""}


@dataclass(frozen=True, slots=True)
class Example:
    """Show one thing that may be written, by name, and what comes of it."""

    name: str
    written: str
    comes_of_it: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Hold what texts of a message type in a language may ask for.

    plural_forms: those that the language counts years with, of which all must be given.
    """

    person: Person
    places: Sequence[Example]
    filters: Sequence[Example]
    conditions: Sequence[Example]
    plural_forms: Sequence[str]
    plural: str


def sample_person(language: str, years: int) -> Person:
    """Return somebody invented who might be greeted in a language."""
    return Person(*sample_name(language), years)


def explain(message_type: str, language: str, on: date) -> Vocabulary:
    """Return what may be asked for. on: the day of the examples."""
    person = sample_person(language, _YEARS)
    places = [name for name in places_of(message_type) if name != UNSUBSCRIBE_LINK]
    written = {name: _place(name) for name in places}
    filters = {name: f"{{{{ first_name|{name} }}}}" for name in FILTERS}
    conditions = {
        "if": "{% if years %}{{ years }}!{% endif %}",
        "round": "{% if years in [10, 20, 30] %}{{ years }}!{% endif %}",
        "more": "{% if years > 5 %}{{ years }}!{% endif %}",
    }
    if own_ordinals(language):
        conditions["ordinal"] = "{% if years %}{{ ordinal(years) }}{% endif %}"
    forms = needed_forms("plural", language)
    given = ", ".join(f"{form}='# …'" for form in forms)
    return Vocabulary(
        person,
        _tried(message_type, language, person, on, written),
        _tried(message_type, language, person, on, filters),
        _tried(message_type, language, person, on, conditions),
        tuple(form for form in known_forms("plural", language) if form in forms),
        f"{{{{ plural(years, {given}) }}}}",
    )


def _place(name: str) -> str:
    # The years are not known of everybody.
    shown = f"{{{{ {name} }}}}"
    return f"{{% if {name} %}}{shown}{{% endif %}}" if name in NUMBERS else shown


def _tried(
    message_type: str, language: str, person: Person, on: date, written: dict[str, str]
) -> Sequence[Example]:
    """Return what comes of each: all are lines of one text, which is made at once."""
    source = TextSource(".", "\n".join(f"[{each}]" for each in written.values()), None)
    lines = make_text(message_type, language, source).render(person, on, _COMPANY).text.split("\n")
    return [
        Example(name, each, line[1:-1])
        for (name, each), line in zip(written.items(), lines, strict=True)
    ]
