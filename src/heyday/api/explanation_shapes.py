"""Give the JSON shape of an explanation, as the API and `heyday explain --json` tell it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from heyday.domain.cases import Effect, Explanation, Finding, Verdict
from heyday.services.explaining import CaseReport

_INSTANT = Meta(examples=["2027-01-14T09:00:00Z"])


class ShownFinding(Struct, frozen=True):
    """Say in a sentence how one rule applies.

    effect: holds; moves the day or the moment; or stops the greeting.
    """

    rule: Annotated[str, Meta(examples=["send time"])]
    effect: Annotated[Effect, Meta(examples=["holds"])]
    text: Annotated[str, Meta(examples=["Greetings leave at 09:00:00 on the person's own clock."])]


class ExplainedPerson(Struct, frozen=True):
    """Name the person whom it is about."""

    id: Annotated[UUID, Meta(examples=["8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c"])]
    first_name: Annotated[str, Meta(examples=["Ada"])]
    last_name: Annotated[str, Meta(examples=["Lovelace"])]
    email: Annotated[str, Meta(examples=["ada@example.com"])]
    timezone: Annotated[str, Meta(examples=["Europe/London"])]


class ExplainedType(Struct, frozen=True):
    """Say why a greeting of one type is, or is not, sent on a local date.

    verdict: WILL, SENT, NOT, or OPEN while nobody knows how it ended.
    """

    message_type: Annotated[str, Meta(examples=["BIRTHDAY"])]
    on: Annotated[date, Meta(examples=["2027-12-10"])] | None
    verdict: Annotated[
        str, Meta(examples=["WILL"], pattern=f"^({'|'.join(v.name for v in Verdict)})$")
    ]
    summary: Annotated[str, Meta(examples=["The BIRTHDAY greeting on 2027-12-10 is not sent."])]
    send_at: Annotated[datetime, _INSTANT] | None
    findings: list[ShownFinding]


class ShownExplanation(Struct, frozen=True):
    """Say why a person is greeted, or is not, with every rule that applies."""

    person: ExplainedPerson
    now: Annotated[datetime, _INSTANT]
    tzdb_version: Annotated[str, Meta(examples=["2026f"])]
    findings: list[ShownFinding]
    message_types: list[ExplainedType]


def shown_explanation(report: CaseReport) -> ShownExplanation:
    """Return what is told of a case."""
    person = report.person
    return ShownExplanation(
        person=ExplainedPerson(
            person.id, person.first_name, person.last_name, person.email, person.timezone
        ),
        now=report.now,
        tzdb_version=report.tzdb_version,
        findings=_findings(report.findings),
        message_types=[_shown(each) for each in report.explanations],
    )


def _shown(explanation: Explanation) -> ExplainedType:
    return ExplainedType(
        message_type=explanation.message_type,
        on=explanation.on,
        verdict=explanation.verdict.name,
        summary=explanation.summary,
        send_at=explanation.send_at,
        findings=_findings(explanation.findings),
    )


def _findings(findings: Sequence[Finding]) -> list[ShownFinding]:
    return [ShownFinding(found.rule, found.effect, found.text) for found in findings]
