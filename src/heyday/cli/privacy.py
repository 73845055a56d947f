"""Hand over or erase all that is stored about a person: `heyday users export`, `users erase`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from heyday.cli.running import print_json, with_app
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.privacy_ports import Dossier

if TYPE_CHECKING:
    from heyday.bootstrap import App

_User = Annotated[str, typer.Argument(metavar="ID", help="The person's id, deleted or not.")]


def export(
    user: _User,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, to hand over.")] = False,
) -> None:
    """Print everything that is stored about a person, deleted or not."""
    user_id = _read_id(user)

    async def work(heyday: "App") -> Dossier:
        return await heyday.privacy.people.export(user_id)

    dossier = with_app(work)
    if as_json:
        print_json(dossier)
        return
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for part, rows in dossier.items():
        console.print(f"{part}: {len(rows)}", style="bold")
        for row in rows:
            console.print(_table(row))


def erase(
    user: _User,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a person, deleted or not, for good: names, address, dates, texts and answers.

    What has not left is cancelled. That greetings were sent stays, without text and address; so
    does an HMAC of the address: whoever brings it again brings a person who has unsubscribed.
    Backups, the provider's records and mail that was sent are beyond reach.
    """
    user_id = _read_id(user)
    if not yes:
        typer.confirm(f"Erase the person {user_id}? This cannot be undone", abort=True)

    async def work(heyday: "App") -> None:
        await heyday.privacy.people.erase(user_id)

    with_app(work)
    typer.echo("Erased.")


def _read_id(user: str) -> UUID:
    try:
        return UUID(user)
    except ValueError:
        detail = "is not an id; expected a UUID, as `heyday explain` shows it"
        raise InvalidInput([FieldProblem("ID", detail)]) from None


def _table(row: Mapping[str, object]) -> Table:
    table = Table(box=None, show_header=False)
    filled: Sequence[tuple[str, object]] = [(k, v) for k, v in row.items() if v is not None]
    for name, value in filled:
        table.add_row(name, Text(str(value)))
    return table
