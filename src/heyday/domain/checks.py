"""Turn what was looked at, and the troubles that were found, into checks with a verdict each."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from heyday.domain.troubles import Level, Part, Trouble


class Verdict(StrEnum):
    """Say how a check ended. PROBLEM: greetings do not leave, or not on time."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


_VERDICTS: Final = {Level.ALARM: Verdict.PROBLEM, Level.WARNING: Verdict.WARNING}

WELL: Final[Mapping[Part, str]] = {
    Part.SETTINGS: "They can be read, and do not contradict each other.",
    Part.FILES: "Nobody else can read those with secrets in them.",
    Part.DATABASE: "PostgreSQL answers, and is set up to keep what it is told.",
    Part.MIGRATIONS: "The schema is that of this release, or of a newer one.",
    Part.PARTITIONS: "This month and those to come are there.",
    Part.CLOCKS: "This machine's and PostgreSQL's agree.",
    Part.SCHEDULERS: "Each has run in its rhythm.",
    Part.PLANS: "Everybody who was due has one, and it reaches ahead.",
    Part.TRANSPORT: "What carries batches answers, and has set none aside.",
    Part.BACKLOG: "Nothing is late, or stuck with a worker.",
    Part.GREETINGS: "None failed within a day, and none waits for a decision.",
    Part.SENDERS: "Each answers; nothing was sent to find out.",
    Part.REDIS: "It answers.",
    Part.ZONES: "The tz database is recent, and that of the plans.",
    Part.TEXTS: "Each can be used.",
    Part.DISK: "There is room.",
}
"""What is said of a part that has no trouble."""


@dataclass(frozen=True, slots=True)
class Check:
    """Say of one part how it is, and what to do; nothing where all is well."""

    part: Part
    verdict: Verdict
    says: str
    todo: str | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """Hold all checks, in the order of the parts, and the parts that could not be looked at."""

    checks: Sequence[Check]
    not_looked_at: Sequence[Part]

    @property
    def has_problem(self) -> bool:
        """Tell whether something keeps greetings from leaving."""
        return any(check.verdict is Verdict.PROBLEM for check in self.checks)


def conclude(
    troubles: Iterable[Trouble], looked_at: Collection[Part], wanted: Collection[Part]
) -> Examination:
    """Return a check for each trouble, and one for each part that was looked at and has none.

    A part with a trouble was looked at.   wanted: the parts that there are.
    """
    by_part: dict[Part, list[Trouble]] = {part: [] for part in looked_at}
    for trouble in troubles:
        by_part.setdefault(trouble.part, []).append(trouble)
    checks = [
        check
        for part in Part
        if part in by_part
        for check in [_check(t) for t in by_part[part]] or [Check(part, Verdict.OK, WELL[part])]
    ]
    return Examination(checks, [part for part in Part if part in wanted and part not in by_part])


def _check(trouble: Trouble) -> Check:
    return Check(trouble.part, _VERDICTS[trouble.level], trouble.text, trouble.todo)
