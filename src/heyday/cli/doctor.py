"""Examine the whole installation: `heyday doctor`."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from heyday.cli.running import print_json
from heyday.domain.checks import Examination, Verdict
from heyday.telemetry import configure_logging

_STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "bold red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Check the whole installation, and say what to do about what is wrong.

    It looks at the settings, the files with secrets in them, PostgreSQL and how it is set up, the
    schema and its partitions, the clocks, the schedulers and what they have planned, what carries
    batches, what is late or waits for a decision, each sender, Redis, the tz database, the texts,
    and the disk. Nothing is sent, and nothing is changed; but a database of Heyday's own is started
    to be looked at, and RabbitMQ is given the queues that it lacks.

    No host is waited for longer than some seconds, and no table is read as a whole: it may be run
    at any time. A process's own breaker stands in its /metrics alone. Exit status: 0, or 1 if
    something keeps greetings from leaving, or from leaving on time (problem); a warning does not.
    """
    import uvloop

    from heyday.bootstrap.examining import examine

    # What goes wrong meanwhile is what is told here: the log would say it twice.
    configure_logging("critical", as_json=False)
    found = uvloop.run(examine())
    if as_json:
        print_json(_shown(found))
    else:
        _print(found)
    if found.has_problem:
        raise typer.Exit(1)


def _print(found: Examination) -> None:
    console = Console(highlight=False)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for check in found.checks:
        verdict = Text(check.verdict, _STYLES[check.verdict])
        table.add_row(verdict, Text(check.part), Text(check.says))
        if check.todo:
            table.add_row("", "", Text(check.todo, "bold"))
    console.print(table)
    if found.not_looked_at:
        parts = ", ".join(found.not_looked_at)
        console.print(Text(f"\nNot looked at, as what is above stands in the way: {parts}."))
    console.print(Text(f"\n{_sum(found)}"))


def _sum(found: Examination) -> str:
    """Return in a sentence how it is."""
    count = {
        verdict: sum(check.verdict is verdict for check in found.checks) for verdict in Verdict
    }
    if count[Verdict.PROBLEM] or count[Verdict.WARNING]:
        return f"Problems: {count[Verdict.PROBLEM]}. Warnings: {count[Verdict.WARNING]}."
    return "All is well."


def _shown(found: Examination) -> dict[str, object]:
    return {
        "problems": found.has_problem,
        "checks": [
            {"part": each.part, "verdict": each.verdict, "says": each.says, "todo": each.todo}
            for each in found.checks
        ],
        "not_looked_at": found.not_looked_at,
    }
