"""Bring a restored database up to what was sent: `heyday sends`."""

from typing import TYPE_CHECKING, Annotated

import typer

from heyday.cli.running import parse_instant, print_json, with_app
from heyday.domain.wall_clock import write_instant

if TYPE_CHECKING:
    from heyday.services.restores import RestoreState

app = typer.Typer(
    help="After a restore of the database: look at what was sent since, and bring it up to that.",
    no_args_is_help=True,
)

SinceOption = Annotated[
    str | None,
    typer.Option(
        metavar="INSTANT",
        help="Read the ledger from here on, such as 2027-01-14T08:00:00Z. Else from the last run "
        "of a job that the database had when it was held.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


@app.callback()
def group() -> None:
    """After a restore of the database: look at what was sent since, and bring it up to that.

    Workers note the ids of what they send in the folder HEYDAY_SENDS, outside the database. A
    process that finds there what its database has lost plans and sends nothing, and neither does
    any other on that database. Then: `show`, `replay`, and `resume`. Each machine with workers has
    a ledger of its own: show and replay on each of them, or copy the files of all into one folder.
    """


@app.command("show", epilog="Example: heyday sends show --json")
def show(since: SinceOption = None, as_json: JsonOption = False) -> None:
    """Show what the ledger of this machine knows and the database does not. Changes nothing."""
    at = parse_instant(since, "--since")
    state = with_app(lambda heyday: heyday.restores.show(at))
    if as_json:
        print_json(_shown(state))
    else:
        _print(state)


@app.command("hold")
def hold() -> None:
    """Have every process on this database plan and send nothing, until `heyday sends resume`.

    Do this after a restore before any process starts, where a machine's ledger may be missing.
    """
    is_new = with_app(lambda heyday: heyday.restores.hold())
    typer.echo("held: nothing is planned or sent" if is_new else "it was held already")


@app.command("replay", epilog="Example: heyday sends replay --since 2027-01-14T08:00:00Z")
def replay(since: SinceOption = None, as_json: JsonOption = False) -> None:
    """Bring the database up to the ledger of this machine, while everything is held.

    It plans what the database lacks. What a provider has accepted becomes SENT. Where nobody can
    say, the greeting is left as by a worker that vanished in the middle of its call, and the rules
    for ambiguous attempts decide. It may be run again, and changes nothing more then.
    """
    at = parse_instant(since, "--since")
    done = with_app(lambda heyday: heyday.restores.replay(at))
    counts = {"settled": done.settled, "added": done.added, "doubtful": done.doubtful}
    if as_json:
        print_json(counts)
        return
    typer.echo(f"settled: {done.settled} greetings that were sent")
    typer.echo(
        f"added: {done.added} greetings that were sent, and that the database knew nothing of"
    )
    typer.echo(
        f"in doubt: {done.doubtful} greetings of which nobody can say whether they were sent"
    )


@app.command("resume")
def resume(
    is_anyway: Annotated[
        bool,
        typer.Option("--anyway", help="Also where greetings that were sent would leave again."),
    ] = False,
) -> None:
    """Go on: every process plans and sends again within seconds."""
    with_app(lambda heyday: heyday.restores.resume(is_anyway=is_anyway))
    typer.echo("resumed: Heyday plans and sends")


def _print(state: "RestoreState") -> None:
    counts, account = state.counts, state.account
    if state.hold is None:
        typer.echo("Nothing is held: Heyday plans and sends.")
    else:
        why = "was restored" if state.hold.reason == "REWOUND" else "is held by somebody"
        typer.echo(f"Held since {write_instant(state.hold.since_at)}: the database {why}.")
        if state.hold.back_to:
            typer.echo(
                f"It reaches to {write_instant(state.hold.back_to)}. What people were added,"
            )
            typer.echo(
                "changed, deleted or unsubscribed later is lost, and has to be brought again."
            )
    files = f"{account.files} files" + (
        f", {account.unreadable} lines that cannot be read" if account.unreadable else ""
    )
    typer.echo(f"\nThe ledger of this machine: {files}.")
    rows = (
        (counts.known, "sent, and the database knows it"),
        (counts.unsettled, "sent, and the database does not know it"),
        (counts.missing, "sent, and not in the database at all"),
        (counts.strangers, "of all these, to people who are not in the database"),
        (counts.doubtful, "perhaps sent: they will count as ambiguous"),
        (counts.gone, "perhaps sent, and not in the database at all"),
    )
    for count, words in rows:
        typer.echo(f"{count:>9}  {words}")
    if state.hold:
        is_done = counts.is_up_to_date
        typer.echo("\nNext: heyday sends " + ("resume" if is_done else "replay"))


def _shown(state: "RestoreState") -> dict[str, object]:
    hold, account, counts = state.hold, state.account, state.counts
    return {
        "held_since": hold.since_at.isoformat() if hold else None,
        "reason": hold.reason if hold else None,
        "database_reaches_to": hold.back_to.isoformat() if hold and hold.back_to else None,
        "read_since": state.since.isoformat() if state.since else None,
        "files": account.files,
        "unreadable_lines": account.unreadable,
        "known": counts.known,
        "unsettled": counts.unsettled,
        "missing": counts.missing,
        "strangers": counts.strangers,
        "doubtful": counts.doubtful,
        "gone": counts.gone,
    }
