"""Read from a form without names who is to be on the list, and say it again in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.finding import EVERYBODY, PeopleFilter, parse_filter

SUBSCRIBED, UNSUBSCRIBED, DELETED = "subscribed", "unsubscribed", "deleted"
STATES: Final = ("", SUBSCRIBED, UNSUBSCRIBED, DELETED)


def _(name: str) -> str:
    """Mark a name for translation; templates translate it."""
    return name


LABELS: Final = {
    "country": _("Country of their zone"),
    "timezone": _("Time zone"),
    "birthday_day": _("Birthday on"),
    "birthday_month": _("Birthday on"),
    "anniversary_day": _("Work anniversary on"),
    "anniversary_month": _("Work anniversary on"),
    "birthday_from": _("Born on or after"),
    "birthday_to": _("Born on or before"),
    "added_since": _("Added since"),
    "locale": _("Language"),
    "state": _("Who"),
    "after": _("Where the list goes on"),
}
"""What the inputs of the form are called. They are also what the address of a list may say."""

# Which input is to blame for a field of the filter.
_INPUTS: Final = {
    "birthday": "birthday_day",
    "anniversary": "anniversary_day",
    "created_from": "added_since",
}
_BOTH = "needs both: a month and a day"
_NO_PLACE = "must be the id after which the list goes on; begin again"


@dataclass(frozen=True, slots=True)
class PeopleQuery:
    """Hold what was asked for. given: the inputs that are not empty.   after: where to go on."""

    given: Mapping[str, str]
    wanted: PeopleFilter = EVERYBODY
    after: UUID | None = None
    problems: Sequence[FieldProblem] = field(default_factory=list)

    def path(self, after: UUID | None = None) -> str:
        """Return the address of the list, or of what follows somebody on it."""
        parameters = {**self.given, **({"after": str(after)} if after else {})}
        return f"/people?{urlencode(parameters)}" if parameters else "/people"

    def value(self, name: str) -> str:
        """Return what stands in an input."""
        return self.given.get(name, "")

    def problem(self, name: str) -> str | None:
        """Return what is wrong with an input."""
        return next((each.detail for each in self.problems if each.field == name), None)


def read_query(parameters: Mapping[str, str]) -> PeopleQuery:
    """Return what a query string asks for; what is wrong with it stands beside it."""
    given = {
        name: text
        for name in LABELS
        if name != "after" and (text := parameters.get(name, "").strip())
    }
    problems: list[FieldProblem] = []
    after = _read_after(parameters.get("after", ""), problems)
    state = given.get("state", "")
    if state not in STATES:
        problems.append(FieldProblem("state", "is none of the choices"))
    asked: dict[str, str | None] = {
        "country": given.get("country"),
        "timezone": given.get("timezone"),
        "birthday": _read_day("birthday", given, problems),
        "anniversary": _read_day("anniversary", given, problems),
        "birthday_from": given.get("birthday_from"),
        "birthday_to": given.get("birthday_to"),
        "created_from": _midnight(given.get("added_since")),
        "locale": given.get("locale"),
    }
    is_subscribed = {SUBSCRIBED: False, UNSUBSCRIBED: True}.get(state)
    try:
        wanted = parse_filter(asked, deleted=state == DELETED, unsubscribed=is_subscribed)
    except InvalidInput as error:
        wanted = EVERYBODY
        problems += [FieldProblem(_INPUTS.get(p.field, p.field), p.detail) for p in error.problems]
    return PeopleQuery(given, wanted, after, problems)


def _read_after(text: str, problems: list[FieldProblem]) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        problems.append(FieldProblem("after", _NO_PLACE))
        return None


def _read_day(name: str, given: Mapping[str, str], problems: list[FieldProblem]) -> str | None:
    """Return a day of the year as the filter takes it, --MM-DD."""
    month, day = given.get(f"{name}_month"), given.get(f"{name}_day")
    if not month and not day:
        return None
    if not month or not day:
        missing = "month" if not month else "day"
        problems.append(FieldProblem(f"{name}_{missing}", _BOTH))
        return None
    return f"--{month:0>2}-{day:0>2}"


def _midnight(text: str | None) -> str | None:
    """Return where a date begins in UTC, as the filter takes an instant."""
    return f"{text}T00:00:00Z" if text else None
