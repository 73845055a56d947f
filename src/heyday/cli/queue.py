"""Look at the queue between schedulers and workers: `heyday queue`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from heyday.cli.running import print_json, with_app
from heyday.domain.errors import FieldProblem, InvalidInput, NotFound
from heyday.domain.queue_ports import DeadBatch
from heyday.domain.wall_clock import write_instant
from heyday.services.queueing import MOST_DEAD

if TYPE_CHECKING:
    from heyday.bootstrap import App

app = typer.Typer(help="Look at the queue between schedulers and workers.", no_args_is_help=True)
dead = typer.Typer(help="Look at what was set aside, and free it.", no_args_is_help=True)
app.add_typer(dead, name="dead")

JsonOption = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
IdsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="ID...", help="As `heyday queue dead list` has them.")
]
AllOption = Annotated[bool, typer.Option("--all", help="All of them.")]


@app.callback()
def group() -> None:
    """Look at the queue between schedulers and workers. It holds ids, and nothing of a person."""


@dead.callback()
def dead_group() -> None:
    """Look at what was set aside: batches that failed again and again, and what is no batch.

    No greeting is lost by it. Rows of a batch that are still QUEUED are handed over in another one
    after HEYDAY_LOST_AFTER.
    """


@app.command("topology")
def topology() -> None:
    """Print what Heyday declares in RabbitMQ, as JSON. What is missing is made at each start."""
    from heyday.queue.config import EXCHANGES, QUEUES

    print_json(
        {
            "exchanges": [
                {"name": each.name, "type": each.type, "durable": True} for each in EXCHANGES
            ],
            "queues": [
                {"name": each.name, "durable": True, "arguments": dict(each.arguments)}
                for each in QUEUES
            ],
            "bindings": [
                {"source": q.exchange, "destination": q.name, "routing_key": q.routing_key}
                for q in QUEUES
            ],
        }
    )


@dead.command("list", epilog="Example: heyday queue dead list --limit 20")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=MOST_DEAD, help="How many at the most.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List what was set aside, the oldest first."""
    found = with_app(lambda heyday: heyday.dead_letters.list_dead(limit))
    if as_json:
        print_json({"dead": [_shown(each) for each in found]})
        return
    for each in found:
        size = len(each.batch.message_ids) if each.batch else 0
        when = f", {write_instant(each.died_at)}" if each.died_at else ""
        typer.echo(f"{each.id or '(without an id)'}  {size} greetings, {each.reason}{when}")
    if not found:
        typer.echo("Nothing was set aside.")


@dead.command("show", epilog="Example: heyday queue dead show 42")
def show(
    dead_id: Annotated[
        str, typer.Argument(metavar="ID", help="As `heyday queue dead list` has it.")
    ],
) -> None:
    """Show one of them with the ids of its greetings, as JSON: see `heyday messages show`."""
    from heyday.bootstrap.queueing import queue_of

    each = with_app(lambda heyday: queue_of(heyday).get_dead(dead_id))
    ids = [str(found) for found in each.batch.message_ids] if each.batch else []
    print_json({**_shown(each), "message_ids": ids})


@dead.command("replay", epilog="Example: heyday queue dead replay --all")
def replay(ids: IdsArgument = None, is_all: AllOption = False) -> None:
    """Have these delivered again; once their cause is gone, for else they come back here.

    What is no batch stays. A greeting that has left meanwhile does not leave again.
    """
    _change("replayed", lambda heyday, chosen: heyday.dead_letters.replay(chosen), ids, is_all)


@dead.command("purge")
def purge(ids: IdsArgument = None, is_all: AllOption = False) -> None:
    """Delete these for good. Their greetings are not: what is still QUEUED is handed over anew."""
    _change("purged", lambda heyday, chosen: heyday.dead_letters.purge(chosen), ids, is_all)


def _change(
    done: str,
    change: Callable[["App", Sequence[str] | None], Awaitable[int]],
    ids: Sequence[str] | None,
    is_all: bool,
) -> None:
    if is_all == bool(ids):
        raise InvalidInput([FieldProblem("ID, --all", "give ids, or --all")])
    count = with_app(lambda heyday: change(heyday, None if is_all else ids))
    typer.echo(f"{done}: {count}")
    if ids and count < len(set(ids)):
        raise NotFound(f"{len(set(ids)) - count} of the ids were not there, or could not be read")


def _shown(each: DeadBatch) -> dict[str, object]:
    return {
        "id": each.id,
        "reason": each.reason,
        "died_at": each.died_at.isoformat() if each.died_at else None,
        "bytes": each.size,
        "batch_id": str(each.batch.id) if each.batch else None,
        "due_at": each.batch.due_at.isoformat() if each.batch else None,
        "greetings": len(each.batch.message_ids) if each.batch else 0,
    }
