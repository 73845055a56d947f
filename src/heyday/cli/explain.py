"""Say why a person is greeted, or is not: `heyday explain`."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from heyday.api.explanation_shapes import shown_explanation
from heyday.cli.running import note_look, print_json, with_app
from heyday.domain.cases import Effect, Finding, Verdict
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.explaining import EARLIEST_ON, LATEST_ON
from heyday.domain.message_types import MESSAGE_TYPES, MessageType
from heyday.services.explaining import CaseReport

if TYPE_CHECKING:
    from heyday.bootstrap import App

_SIGNS = {Effect.HOLDS: " ", Effect.MOVES: "~", Effect.STOPS: "!"}
_STYLES = {Effect.HOLDS: "", Effect.MOVES: "yellow", Effect.STOPS: "red"}
_VERDICT_STYLES = {Verdict.NOT: "bold red", Verdict.OPEN: "bold yellow"}


def explain(
    user: Annotated[str, typer.Argument(metavar="USER", help="An id or an email address.")],
    on: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="The person's own local date, YYYY-MM-DD. Without it: today, if it is their day, "
            "else the next.",
        ),
    ] = None,
    message_type: Annotated[
        str | None,
        typer.Option("--type", metavar="T", help="One message type only, such as BIRTHDAY."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say why a person will, or will not, get a greeting, with every rule that applies.

    ! marks what stops a greeting, ~ what moves its day or its moment.
    """
    asked_on, types = _read_date(on), _read_types(message_type)

    async def work(heyday: "App") -> CaseReport:
        report = await heyday.explanations.explain(user, asked_on, types)
        await note_look(heyday, [report.person.id])
        return report

    report = with_app(work)
    if as_json:
        print_json(msgspec.to_builtins(shown_explanation(report)))
    else:
        _print_report(report)


def _read_date(value: str | None) -> date | None:
    if value is None:
        return None
    try:
        on = date.fromisoformat(value)
    except ValueError:
        on = None
    if on is None or not EARLIEST_ON <= on <= LATEST_ON:
        detail = f"{value!r} is not a day of the calendar; expected a real date, YYYY-MM-DD"
        raise InvalidInput([FieldProblem("--on", detail)])
    return on


def _read_types(name: str | None) -> Sequence[MessageType]:
    if name is None:
        return MESSAGE_TYPES
    found = [t for t in MESSAGE_TYPES if t.name == name.upper()]
    if not found:
        known = ", ".join(t.name for t in MESSAGE_TYPES)
        raise InvalidInput([FieldProblem("--type", f"{name!r} is no message type; known: {known}")])
    return found


def _print_report(report: CaseReport) -> None:
    # What is in the database is text of others: it is shown, never read as markup.
    console = Console(highlight=False, markup=False)
    console.print(_table(report.findings))
    for explanation in report.explanations:
        console.print()
        style = _VERDICT_STYLES.get(explanation.verdict, "bold green")
        console.print(explanation.summary, style=style)
        console.print(_table(explanation.findings))


def _table(findings: Sequence[Finding]) -> Table:
    table = Table.grid("sign", "rule", "text", padding=(0, 1))
    table.columns[1].min_width = 13
    table.columns[1].no_wrap = True
    for finding in findings:
        sign, style = _SIGNS[finding.effect], _STYLES[finding.effect]
        table.add_row(sign, finding.rule, finding.text, style=style)
    return table
