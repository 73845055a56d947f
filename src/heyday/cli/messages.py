"""Look at greetings, settle those that wait for a decision, cancel others: `heyday messages`."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.console import Console

from heyday.cli.running import print_json, with_app
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.events import ToldEvent
from heyday.domain.resolutions import Attempt, GreetingRow, History
from heyday.domain.transitions import Status
from heyday.domain.wall_clock import write_instant

if TYPE_CHECKING:
    from heyday.bootstrap import App

_MOST = 100_000

_SOME_ID = "6f1d3a52-4a09-4d0b-9f3e-1c2b7a9d8e10"

app = typer.Typer(
    help="Look at greetings, settle those that wait for a decision, cancel others.",
    no_args_is_help=True,
)

NoteOption = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Why. It is kept, so it may hold no address."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


@app.callback()
def group() -> None:
    """Look at greetings, settle and cancel them. Nothing here names a person."""


@app.command("list", epilog="Example: heyday messages list --status FAILED --limit 20")
def list_(
    status: Annotated[
        Status, typer.Option(help="Which: UNKNOWN ones wait for a decision.")
    ] = Status.UNKNOWN,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many at the most.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List greetings of a status, the earliest first: without this, what waits for a decision."""

    async def work(heyday: "App") -> list[GreetingRow]:
        return await heyday.resolutions.list_by_status(status, limit + 1)

    found = with_app(work)
    rows, is_more = found[:limit], len(found) > limit
    if as_json:
        listed = [_greeting(row) for row in rows]
        print_json({"status": status.value, "is_more": is_more, "messages": listed})
        return
    _print_rows(rows, status, is_more=is_more)


@app.command("show", epilog=f"Example: heyday messages show {_SOME_ID}")
def show(
    message_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a greeting.")],
    as_json: JsonOption = False,
) -> None:
    """Show one greeting, and all that happened to it.

    An attempt that succeeded at once is known by its greeting alone; every other one is noted.
    """

    async def work(heyday: "App") -> History:
        return await heyday.resolutions.get_history(message_id)

    history = with_app(work)
    if as_json:
        attempts = [_attempt(attempt) for attempt in history.attempts]
        events = [_told(told) for told in history.told]
        print_json({**_greeting(history.greeting), "attempts": attempts, "events": events})
    else:
        _print_history(history)


@app.command(
    "resolve",
    epilog=f"Example: heyday messages resolve {_SOME_ID} --sent --note 'in their log'",
)
def resolve(  # noqa: PLR0913, PLR0917 - one parameter for each option
    ids: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Greetings that are UNKNOWN, or FAILED.")
    ],
    is_sent: Annotated[
        bool, typer.Option("--sent", help="The provider's own records show it.")
    ] = False,
    is_failed: Annotated[bool, typer.Option("--failed", help="It is given up.")] = False,
    is_retry: Annotated[
        bool,
        typer.Option("--retry", help="It was never taken: send it again, at once."),
    ] = False,
    note: NoteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Settle greetings of which nobody can say whether they left: all of them, or none.

    Look into the provider's own records first: the key that `heyday messages show` prints is what
    it got. The decision is kept among the attempts. A retry looks at the person as any other does;
    what is FAILED is tried again only if every attempt was surely not taken.
    """
    target = _read_target(is_sent=is_sent, is_failed=is_failed, is_retry=is_retry)

    async def work(heyday: "App") -> list[UUID]:
        return await heyday.resolutions.resolve(ids, target, note)

    resolved = with_app(work)
    if as_json:
        print_json({"status": target.value, "resolved": [str(found) for found in resolved]})
    else:
        typer.echo(f"{target.value}: {len(resolved)}")


@app.command(
    "cancel",
    epilog=f"Example: heyday messages cancel {_SOME_ID} --note 'left today'",
)
def cancel(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Greetings not yet sent.")],
    note: NoteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel greetings for good that nobody is sending yet: all of them, or none.

    No edit of the person, no sweep and no plan brings them back; a greeting for another date is
    another one. What is being sent this very moment can no longer be cancelled.
    """

    async def work(heyday: "App") -> list[UUID]:
        return await heyday.resolutions.cancel(ids, note)

    cancelled = with_app(work)
    status = Status.CANCELLED.value
    if as_json:
        print_json({"status": status, "cancelled": [str(found) for found in cancelled]})
    else:
        typer.echo(f"{status}: {len(cancelled)}")


def _read_target(*, is_sent: bool, is_failed: bool, is_retry: bool) -> Status:
    chosen = {Status.SENT: is_sent, Status.FAILED: is_failed, Status.RETRYING: is_retry}
    targets = [status for status, is_chosen in chosen.items() if is_chosen]
    if len(targets) != 1:
        problem = FieldProblem("--sent, --failed, --retry", "give exactly one of the three")
        raise InvalidInput([problem])
    return targets[0]


def _greeting(row: GreetingRow) -> dict[str, object]:
    return {
        "id": str(row.id),
        "idempotency_key": row.idempotency_key,
        "message_type": row.message_type,
        "delivery_date": row.delivery_on,
        "scheduled_send_time": row.scheduled_send_at.isoformat(),
        "actual_send_time": _iso(row.actual_send_at),
        "status": row.status.value,
        "retry_count": row.retry_count,
        "ambiguous_count": row.ambiguous_count,
        "next_attempt_at": _iso(row.next_attempt_at),
        "api_response_code": row.response_code,
        "error_message": row.error,
        "sender": row.sender,
    }


def _attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "attempt": attempt.attempt,
        "epoch": attempt.epoch,
        "outcome": attempt.outcome,
        "status": attempt.status.value,
        "finished_at": attempt.finished_at.isoformat(),
        "api_response_code": attempt.response_code,
        "error_message": attempt.error,
        "sender": attempt.sender,
    }


def _told(told: ToldEvent) -> dict[str, object]:
    return {
        "provider": told.provider,
        "kind": told.kind.value,
        "code": told.code,
        "happened_at": told.happened_at.isoformat(),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _print_rows(rows: Sequence[GreetingRow], status: Status, *, is_more: bool) -> None:
    console = _console()
    for row in rows:
        console.print(f"{row.id}  {row.status.value}", style="bold")
        console.print(
            f"  {row.message_type} of {row.delivery_on}, "
            f"scheduled {write_instant(row.scheduled_send_at)}; {_tries(row)}"
        )
        console.print(f"  {row.error or 'no error was noted'}")
    if not rows:
        console.print(f"No greeting is {status.value}.")
    if is_more:
        console.print("There are more: see --limit.")


def _print_history(history: History) -> None:
    row, console = history.greeting, _console()
    facts = {
        "id": row.id,
        "key": row.idempotency_key,
        "greeting": f"{row.message_type} of {row.delivery_on}",
        "status": row.status.value + (f": {row.error}" if row.error else ""),
        "tries": _tries(row),
    }
    for name, fact in facts.items():
        console.print(f"{name:<9} {fact}")
    console.print()
    for event in history.events():
        console.print(f"{write_instant(event.at)}  {event.text}")


def _tries(row: GreetingRow) -> str:
    return f"retries: {row.retry_count}, ambiguous attempts: {row.ambiguous_count}"


def _console() -> Console:
    """Return a console that shows text as it is: ids stay whole, for they are copied."""
    return Console(highlight=False, markup=False, soft_wrap=True)
