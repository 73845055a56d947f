"""Show how things stand: `heyday reconcile`, `heyday settings`."""

from datetime import time, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from heyday.bootstrap import App
from heyday.cli.running import print_json, with_app
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.models import TypeBalance
from heyday.settings import (
    Settings,
    load_own_policies,
    load_settings,
    prefix_of,
)
from heyday.settings.values import without_password

_COLUMNS = ("due", "sent", "failed", "cancelled", "skipped", "unknown", "live", "unplanned")


def reconcile(
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Show that every greeting that was due is accounted for.

    due = sent + failed + cancelled + skipped + unknown, plus `live` for those that are on their
    way this very moment. `unplanned` are due by users and calendar, yet have no row. Exit status
    1 if the books do not balance.
    """

    async def work(heyday: App) -> list[TypeBalance]:
        return await heyday.reconciliation.reconcile()

    balances = with_app(work)
    is_balanced = all(balance.is_balanced for balance in balances)
    if as_json:
        types = {
            balance.message_type: {
                **{name: getattr(balance, name) for name in (*_COLUMNS, "overdue")},
                "balanced": balance.is_balanced,
            }
            for balance in balances
        }
        totals = {name: sum(getattr(b, name) for b in balances) for name in (*_COLUMNS, "overdue")}
        print_json({**totals, "balanced": is_balanced, "message_types": types})
    else:
        _print_balances(balances, is_balanced=is_balanced)
    if not is_balanced:
        raise typer.Exit(1)


def _print_balances(balances: list[TypeBalance], *, is_balanced: bool) -> None:
    table = Table("message type", *_COLUMNS, box=None)
    for balance in balances:
        table.add_row(balance.message_type, *(f"{getattr(balance, n):,}" for n in _COLUMNS))
    console = Console()
    console.print(table)
    if is_balanced:
        console.print("The books balance.")
        return
    overdue = sum(balance.overdue for balance in balances)
    console.print(
        f"The books do NOT balance: {overdue} overdue, "
        f"{sum(balance.unplanned for balance in balances)} unplanned. "
        "`heyday jobs run recovery` catches up, if the schedulers do not."
    )


def settings(
    as_json: Annotated[bool, typer.Option("--json", help="Print the settings as JSON.")] = False,
) -> None:
    """List every setting with its value, default and meaning.

    What concerns time can be set for one message type alone, such as
    HEYDAY_ANNIVERSARY_SEND_TIME=10:00. Settings come from the environment, and from a file .env
    in the folder where Heyday starts.
    """
    current = load_settings()
    rows = [
        (
            str(field.alias),
            _shown(getattr(current, name)),
            _shown(field.default),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ] + _own_policies()
    if as_json:
        keys = ("name", "value", "default", "meaning")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    console = Console(highlight=False, markup=False)
    for name, value, default, meaning in rows:
        console.print(f"{name}={value}", style="bold")
        console.print(Padding(f"{meaning} Default: {default or 'none'}.", (0, 0, 1, 4)))


def _own_policies() -> list[tuple[str, str, str, str]]:
    """Return what is set for one message type alone."""
    return [
        (
            f"{prefix_of(message_type.name)}{name.upper()}",
            _shown(value),
            "as for all",
            f"{name}, for {message_type.name} alone.",
        )
        for message_type in MESSAGE_TYPES
        for name, value in load_own_policies(message_type.name).items()
    ]


def _shown(value: object) -> str:
    """Return a setting as it would be written in .env, without passwords."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, time):
        return value.isoformat("minutes" if not value.second else "seconds")
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    return without_password(str(value))
