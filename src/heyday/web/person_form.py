"""Read the form of a person, and show it again with what is wrong beside each field.

A date is three inputs, so that nobody need know how to write one whose year is not known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from heyday.domain.dates import has_year
from heyday.domain.errors import FieldProblem
from heyday.domain.models import User
from heyday.domain.people import FIELDS, NAME_LENGTH

DATES = ("birthday_date", "anniversary_date")
PARTS = ("day", "month", "year")
TEXTS = tuple(name for name in FIELDS if name not in DATES)

# What is wrong with a part of a date, in the words of somebody who fills in three boxes.
_NO_PART = "is missing: a date needs a day and a month; the year may stay empty"
_NO_NUMBER = "must be a number"
_NO_DAY = "is not a day of the calendar; look at the day and the month"

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Problem:
    """Say what is wrong. target: the id of the input to go to.   field: of which it is a part."""

    target: str
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class PersonForm:
    """Hold what stands in the inputs, by their names, and what is wrong with it.

    version: the state of the person on which the visitor looks; "" for a new one.
    """

    inputs: Fields
    version: str = ""
    problems: Sequence[Problem] = field(default_factory=list)

    def fields(self) -> dict[str, object]:
        """Return the fields of a person, as a company would give them."""
        given: dict[str, object] = {name: self.inputs.get(name, "") for name in TEXTS}
        return given | {name: self._date(name) for name in DATES}

    def refused(self, problems: Sequence[FieldProblem]) -> "PersonForm":
        """Return the form with what is wrong, each field once, in the order of the inputs."""
        found: dict[str, Problem] = {}
        for problem in sorted(problems, key=lambda each: _order(each.field)):
            found.setdefault(problem.field, self._problem(problem))
        return replace(self, problems=list(found.values()))

    @property
    def wrong(self) -> int:
        """Return how many fields are wrong."""
        return len(self.problems)

    def problem(self, name: str) -> Problem | None:
        """Return what is wrong with a field."""
        return next((each for each in self.problems if each.field == name), None)

    def _date(self, name: str) -> Mapping[str, object] | None:
        parts = {part: self.inputs.get(f"{name}_{part}", "").strip() for part in PARTS}
        if not any(parts.values()):
            return None
        return {part: _number(text) for part, text in parts.items()}

    def _problem(self, problem: FieldProblem) -> Problem:
        if problem.field not in DATES:
            return Problem(problem.field, problem.field, problem.detail)
        part = problem.inside[0] if problem.inside else "day"
        target = f"{problem.field}_{part}"
        given = self._date(problem.field) or {}
        if given.get("day") is None or given.get("month") is None:
            empty = next(each for each in PARTS if given.get(each) is None)
            return Problem(f"{problem.field}_{empty}", problem.field, _NO_PART)
        if any(isinstance(value, str) for value in given.values()):
            return Problem(target, problem.field, _NO_NUMBER)
        is_told = problem.detail.startswith("must lie")
        return Problem(target, problem.field, problem.detail if is_told else _NO_DAY)


def read_form(given: Fields) -> PersonForm:
    """Return the form that a visitor sent."""
    names = [*TEXTS, *(f"{name}_{part}" for name in DATES for part in PARTS)]
    return PersonForm({name: given.get(name, "") for name in names}, given.get("version", ""))


def form_of(user: User) -> PersonForm:
    """Return the form of a person as they are stored."""
    inputs = {name: getattr(user, name) or "" for name in TEXTS}
    for name in DATES:
        inputs |= _inputs_of(name, getattr(user, name))
    return PersonForm(inputs, user.version)


EMPTY = read_form({})
"""The form of somebody new."""


def differences(mine: PersonForm, theirs: PersonForm) -> list[tuple[str, str, str]]:
    """Return the fields in which two forms differ: its name, and what stands in each, in words."""
    found = []
    for name in FIELDS:
        given, stored = (_shown(form, name) for form in (mine, theirs))
        if given != stored:
            found.append((name, given, stored))
    return found


def _shown(form: PersonForm, name: str) -> str:
    if name not in DATES:
        return form.inputs[name].strip()
    return " ".join(filter(None, (form.inputs[f"{name}_{part}"].strip() for part in PARTS)))


def _inputs_of(name: str, on: date | None) -> dict[str, str]:
    if on is None:
        return {f"{name}_{part}": "" for part in PARTS}
    year = str(on.year) if has_year(on) else ""
    return dict(
        zip((f"{name}_{part}" for part in PARTS), (str(on.day), str(on.month), year), strict=True)
    )


def _number(text: str) -> int | str | None:
    """Return a number as it is meant; what is none stays as it is, to be refused."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= NAME_LENGTH else text


def _order(name: str) -> int:
    return FIELDS.index(name) if name in FIELDS else len(FIELDS)
