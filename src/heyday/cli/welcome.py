"""Tell a person who has just started Heyday what there is to see."""

from rich.console import Console

from heyday.bootstrap import App
from heyday.cli.running import deed_of
from heyday.cli.users import import_file
from heyday.data import data_file
from heyday.domain.access import NewKey
from heyday.domain.audit import doing
from heyday.domain.tzdb import PINNED

MAKE_KEY = "heyday keys create NAME --scope admin"
_DEMO_CSV = "people-us-congress.csv"


async def greet(app: App, port: int) -> None:
    """Bring people to look at if that is wanted, and print where everything is."""
    console = Console(stderr=True, highlight=False)
    if app.settings.is_demo:
        with doing(deed_of(greet)):
            await _bring_people(app, console)
    host = app.settings.host
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
    first = await app.access.keys.create_first()
    console.print("\nHeyday runs. Ctrl-C stops it.\n")
    console.print(f"  [bold]{address}/[/]        the dashboard: sign in with an API key")
    console.print(f"  [bold]{address}/inbox[/]   greetings as they arrive")
    console.print(f"  [bold]{address}/docs[/]    the API, to read and to try")
    console.print(f"  [bold]{address}/health[/]  how it is\n")
    _tell_of_keys(console, address, first)
    if app.settings.database_url is None:
        console.print(
            f"  Its data stay in {app.settings.home.resolve()}", soft_wrap=True, markup=False
        )
    # What is no terminal may be a log, and no name belongs there.
    console.print(f"  {await _next(app, is_named=console.is_terminal)}\n")


def _tell_of_keys(console: Console, address: str, first: NewKey | None) -> None:
    """Show the first key, which nobody can show again."""
    if first is None:
        console.print(f"  An API key opens all but the last two: {MAKE_KEY}\n")
        return
    console.print("  This API key opens everything. It is shown this once; keep it secret:\n")
    # Whole, however wide the window: it is copied.
    console.print(f"    {first.text}\n", soft_wrap=True)
    console.print("  In a browser, sign in with it. By the API:\n")
    header = f"-H 'Authorization: Bearer {first.text}'"
    console.print(f"    curl {header} {address}/api/v1/users\n", soft_wrap=True)


async def _bring_people(app: App, console: Console) -> None:
    async with app.database.session() as session:
        is_empty = await session.users.count() == 0
    if is_empty:
        rejected_file = app.settings.home / f"{_DEMO_CSV}.rejected.csv"
        report = await import_file(
            app.imports.files, data_file(_DEMO_CSV), Console(quiet=True), rejected_file
        )
        console.print(f"Imported {report.imported} real people: members of the US Congress.")
    if added := await app.demo.add_people():
        console.print(f"Added {added} demonstration people whose day is today.")


async def _next(app: App, *, is_named: bool) -> str:
    """Say when the next greeting leaves. is_named: and to whom."""
    async with app.database.session() as session:
        upcoming = await session.messages.find_next(app.clock.now())
    if upcoming is None:
        return "Nobody is to be greeted in the next two days."
    local = upcoming.scheduled_send_at.astimezone(PINNED.load(upcoming.timezone))
    kind = upcoming.message_type.lower()
    whom = f"{upcoming.first_name} {upcoming.last_name} ({kind})" if is_named else f"one {kind}"
    return f"Next: {whom}, {local:%a %d %b %H:%M} in {upcoming.timezone}."
