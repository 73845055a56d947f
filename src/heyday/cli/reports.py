"""Show how things stand: `heyday reconcile`, `heyday settings`."""

from collections.abc import Sequence
from datetime import time, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from heyday.cli.running import print_json, with_app
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.models import TypeBalance
from heyday.services.reconciling import COLUMNS, Books, totals_of
from heyday.settings import Settings, load_settings
from heyday.settings.by_sender import load_own_of_sender, sender_prefix
from heyday.settings.by_type import load_own_policies, prefix_of
from heyday.settings.choices import SenderName
from heyday.settings.values import HIDDEN, without_password

if TYPE_CHECKING:
    from heyday.bootstrap import App

_ADVICE = {
    "overdue": "`heyday jobs run recovery` catches up, if the schedulers do not.",
    "unplanned": "`heyday jobs run recovery` catches up, if the schedulers do not.",
    "unconfirmed": "These are SENT, and the provider does not have them.",
    "unrecorded": "The provider has these, and their rows are not SENT; those that are UNKNOWN: "
    "`heyday messages resolve`.",
    "orphaned": "The provider has these, and no row tells of them.",
}


def reconcile(
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Show that every greeting that was due is accounted for, by calendar, rows and provider.

    due = sent + failed + cancelled + skipped + unknown, plus `live` for those that are on their
    way this very moment. `unplanned` are due by users and calendar, yet have no row. `late` were
    sent more than a minute after their instant. Where the provider can be asked (the inbox):
    `unconfirmed` are SENT and it does not have them, `unrecorded` it has and they are not SENT,
    `orphaned` it has and they have no row. Exit status 1 if the books do not balance.
    """

    async def work(heyday: "App") -> Books:
        return await heyday.reconciliation.open_books()

    books = with_app(work)
    if as_json:
        print_json(
            {
                **totals_of(books.balances),
                "ungreetable": books.ungreetable,
                "balanced": books.is_balanced,
                "message_types": {
                    b.message_type: {**totals_of([b]), "balanced": b.is_balanced}
                    for b in books.balances
                },
            }
        )
    else:
        _print_books(books)
    if not books.is_balanced:
        raise typer.Exit(1)


def _print_books(books: Books) -> None:
    console = Console()
    totals = totals_of(books.balances)
    console.print(_table(books.balances, COLUMNS))
    console.print(_table(books.balances, [name for name in totals if name not in COLUMNS]))
    if books.is_balanced:
        console.print("The books balance.")
    else:
        wrong = {name: totals[name] for name in _ADVICE if totals.get(name)}
        told = ", ".join(f"{number:,} {name}" for name, number in wrong.items())
        advice = dict.fromkeys(_ADVICE[name] for name in wrong)
        console.print(f"The books do NOT balance: {told or 'the sums differ'}.", *advice)
    if books.ungreetable:
        console.print(
            f"{books.ungreetable:,} people have a time zone that the tz database does not have: "
            "they are owed nothing that could be computed, and are not greeted. "
            "`heyday forecast` names the zones."
        )


def _table(balances: Sequence[TypeBalance], columns: Sequence[str]) -> Table:
    table = Table("message type", *columns, box=None)
    for balance in balances:
        told = totals_of([balance])
        table.add_row(balance.message_type, *(f"{told[name]:,}" for name in columns))
    return table


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
            "***" if name in HIDDEN and getattr(current, name) else _shown(getattr(current, name)),
            _shown(field.default),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ] + [*_own_policies(), *_own_of_senders()]
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
        _own(prefix_of(each.name), each.name, name, value)
        for each in MESSAGE_TYPES
        for name, value in load_own_policies(each.name).items()
    ]


def _own_of_senders() -> list[tuple[str, str, str, str]]:
    """Return what is set for one sender alone."""
    return [
        _own(sender_prefix(sender), sender, name, value)
        for sender in SenderName
        for name, value in load_own_of_sender(sender).items()
    ]


def _own(prefix: str, whose: str, name: str, value: object) -> tuple[str, str, str, str]:
    return f"{prefix}{name.upper()}", _shown(value), "as for all", f"{name}, for {whose} alone."


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
