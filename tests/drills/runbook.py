"""Read what docs/runbook.md has an operator do in an outage, and which alerts it lets them see."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.docs.commands import commands
from tests.docs.pages import Page, page

RUNBOOK = "docs/runbook.md"
COLUMNS = ("alert", "fires within", "clears within")
PROVIDER, BROKER, DATABASE = "Provider down", "RabbitMQ wiped", "PostgreSQL restarted"
FAULTS = (PROVIDER, BROKER, DATABASE)
AFTERWARDS = "After an outage"
WHILE, ONCE = "While it is down", "Once it is back"
# In the column "fires within": it is no fault if it does not fire.
_PERHAPS = "may fire"
_SPAN = re.compile(r"(\d+) (s|min|h)")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours"}


class NotInRunbook(Exception):
    """Say what the page lacks, or has in a form that nobody can read."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Say of one alert by when it fires, from the beginning of a fault, and clears, from its end.

    fires_within: None where it may be silent as well.
    """

    alert: str
    fires_within: timedelta | None
    clears_within: timedelta


@dataclass(frozen=True, slots=True)
class Chapter:
    """Hold what the page has on one fault: commands by their heading, and alerts in order."""

    title: str
    commands: Mapping[str, Sequence[str]]
    alerts: Sequence[Expected]


def read_chapter(title: str, text: str | None = None) -> Chapter:
    """Return a chapter of the page. Raises NotInRunbook. text: of another page than ours."""
    own = _split(text or page(RUNBOOK).text, "##").get(title)
    if own is None:
        raise NotInRunbook(f"{RUNBOOK} has no chapter '## {title}'")
    parts = {heading: Page(RUNBOOK, part) for heading, part in _split(own, "###").items()}
    lines = {heading: [c.line for c in commands(part)] for heading, part in parts.items()}
    rows = [row for table in Page(RUNBOOK, own).tables(*COLUMNS) for row in table.rows]
    return Chapter(title, lines, [_read_row(*row) for row in rows])


def _split(text: str, level: str) -> dict[str, str]:
    """Return what stands under each heading of a level; "" for what stands before the first."""
    first, *rest = re.split(rf"^{level} (.+)$", f"\n{text}", flags=re.MULTILINE)
    return {"": first, **dict(zip(rest[::2], rest[1::2], strict=True))}


def _read_row(alert: str, fires: str, clears: str) -> Expected:
    name = re.search(r"Heyday\w+", alert)
    if name is None:
        raise NotInRunbook(f"{RUNBOOK}: {alert!r} names no alert")
    return Expected(name[0], None if fires == _PERHAPS else _read_span(fires), _read_span(clears))


def _read_span(text: str) -> timedelta:
    if found := _SPAN.fullmatch(text):
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    raise NotInRunbook(f"{RUNBOOK}: {text!r} is no time; expected such as 7 min, or {_PERHAPS!r}")
