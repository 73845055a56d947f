"""Read the audit log: `heyday audit`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.console import Console

from heyday.cli.running import parse_instant, print_json, with_app
from heyday.domain.audit import AuditEntry, AuditFilter
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.wall_clock import write_instant

if TYPE_CHECKING:
    from heyday.bootstrap import App

_MOST = 100_000
_SHOWN_IDS = 3


PersonOption = Annotated[
    str | None, typer.Option(metavar="ID", help="Lines that concern this person.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(metavar="PREFIX", help="Of this API key, as `heyday keys list` shows it."),
]
ActorOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Of this key, operating system's user or SQL role."),
]
ActionOption = Annotated[str | None, typer.Option(metavar="ACTION", help="Such as person.create.")]
SinceOption = Annotated[
    str | None, typer.Option(metavar="INSTANT", help="From then on: 2027-01-14T00:00:00Z.")
]
UntilOption = Annotated[str | None, typer.Option(metavar="INSTANT", help="Before then.")]


def audit(  # noqa: PLR0913, PLR0917 - one parameter for each option
    person: PersonOption = None,
    key: KeyOption = None,
    actor: ActorOption = None,
    action: ActionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many at the most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show who did what, and who looked at whom: the latest first.

    Writes of every kind are in it, also edits of people by SQL; and looks at personal data by the
    API. It holds ids and names of fields, never what is stored of a person.
    """
    person_id = _read_id(person)
    asked = AuditFilter(
        person_id,
        actor,
        key,
        action,
        parse_instant(since, "--since"),
        parse_instant(until, "--until"),
    )

    async def work(heyday: "App") -> Sequence[AuditEntry]:
        return await heyday.habits.audit.list_page(asked, None, limit + 1)

    found = with_app(work)
    entries, is_more = found[:limit], len(found) > limit
    if as_json:
        print_json({"is_more": is_more, "entries": [asdict(entry) for entry in entries]})
    else:
        _print(entries, is_more=is_more)


def _read_id(text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput([FieldProblem("--person", "is not an id; expected a UUID")]) from None


def _print(entries: Sequence[AuditEntry], *, is_more: bool) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for entry in entries:
        actor = f"{entry.actor_kind.value} {entry.actor_name}"
        place = f" from {entry.address}" if entry.address else ""
        console.print(f"{write_instant(entry.at)}  {entry.action:<20} {actor}{place}")
        if entry.subject_ids:
            console.print(f"    {_ids(entry.subject_ids)}")
        if entry.fields:
            console.print(f"    changed: {', '.join(entry.fields)}")
    if not entries:
        console.print("The audit log has no such line.")
    if is_more:
        console.print("There are more: see --limit.")


def _ids(ids: Sequence[UUID]) -> str:
    shown = ", ".join(map(str, ids[:_SHOWN_IDS]))
    more = len(ids) - _SHOWN_IDS
    return f"{shown} and {more:,} more" if more > 0 else shown
