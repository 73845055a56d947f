"""Make, list and revoke API keys: `heyday keys`."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from heyday.cli.running import print_json, with_app
from heyday.domain.access import ApiKey, NewKey, Scope
from heyday.domain.durations import parse_duration
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.wall_clock import write_instant

if TYPE_CHECKING:
    from heyday.bootstrap import App

app = typer.Typer(help="Say who may use the API.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


@app.callback()
def group() -> None:
    """Say who may use the API: one key for each program or person, with what it is to do alone."""


@app.command(
    "create", epilog="Example: heyday keys create payroll --scope users:write --expires 90d"
)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, or what for.")],
    scopes: Annotated[
        list[Scope], typer.Option("--scope", help="What it allows; again for more than one.")
    ],
    expires: Annotated[
        str | None, typer.Option(metavar="DURATION", help="When it ends, such as 90d; else never.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key, and print it on standard output: this once, for only a hash of it is kept."""

    async def work(heyday: "App") -> NewKey:
        return await heyday.access.keys.create(_described(heyday, name, scopes, expires))

    made = with_app(work)
    if as_json:
        print_json({**_shown(made.key), "key": made.text})
        return
    typer.echo(made.text)
    typer.echo(f"{_told(made.key)}\nKeep it secret; it cannot be shown again.", err=True)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List all keys, the oldest first: what they allow, and when they were last used."""

    async def work(heyday: "App") -> list[ApiKey]:
        return list(await heyday.access.keys.list_all())

    found = with_app(work)
    if as_json:
        print_json({"keys": [_shown(key) for key in found]})
        return
    for key in found:
        typer.echo(_told(key))
    if not found:
        typer.echo("There is no key: nobody may use the API.")


@app.command("revoke", epilog="Example: heyday keys revoke 1f3c5d0a")
def revoke(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="As `heyday keys list` has it.")],
) -> None:
    """Revoke a key for good; Heyday refuses it within five seconds, wherever it runs."""
    key = with_app(lambda heyday: heyday.access.keys.revoke(prefix))
    typer.echo(_told(key))


def _described(
    heyday: "App", name: str, scopes: list[Scope], expires: str | None
) -> Mapping[str, object]:
    """Return what is asked for, as the API takes it. Raises InvalidInput for the duration."""
    given: dict[str, object] = {"name": name, "scopes": list(scopes)}
    if expires is not None:
        try:
            at = heyday.clock.now() + parse_duration(expires)
        except ValueError as error:
            raise InvalidInput([FieldProblem("--expires", str(error))]) from None
        given["expires_at"] = at.isoformat()
    return given


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "prefix": key.prefix,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at.isoformat(),
        "expires_at": _iso(key.expires_at),
        "last_used_at": _iso(key.last_used_at),
        "revoked_at": _iso(key.revoked_at),
    }


def _told(key: ApiKey) -> str:
    """Return a key in a line."""
    facts = [
        f"{key.prefix}  {key.name}",
        " ".join(sorted(key.scopes)),
        f"expires {write_instant(key.expires_at)}" if key.expires_at else "never expires",
        f"last used {write_instant(key.last_used_at)}" if key.last_used_at else "not used yet",
    ]
    if key.revoked_at:
        facts.append(f"REVOKED {write_instant(key.revoked_at)}")
    return "; ".join(facts)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
