"""Tell a person who has just started Heyday what there is to see."""

from rich.console import Console

from heyday.bootstrap import App
from heyday.cli.users import import_file
from heyday.data import data_file
from heyday.domain.tzdb import PINNED

_DEMO_CSV = "people-us-congress.csv"


async def greet(app: App, port: int) -> None:
    """Bring people to look at if that is wanted, and print where everything is."""
    console = Console(stderr=True, highlight=False)
    if app.settings.is_demo:
        await _bring_people(app, console)
    host = app.settings.host
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
    console.print("\nHeyday runs. Ctrl-C stops it.\n")
    console.print(f"  [bold]{address}/inbox[/]   greetings as they arrive")
    console.print(f"  [bold]{address}/docs[/]    the API, to read and to try")
    console.print(f"  [bold]{address}/health[/]  how it is\n")
    console.print(f"  {await _next(app)}\n")


async def _bring_people(app: App, console: Console) -> None:
    async with app.database.session() as session:
        is_empty = await session.users.count() == 0
    if is_empty:
        rejected_file = app.settings.home / f"{_DEMO_CSV}.rejected.csv"
        report = await import_file(
            app.importer, data_file(_DEMO_CSV), Console(quiet=True), rejected_file
        )
        console.print(f"Imported {report.imported} real people: members of the US Congress.")
    if added := await app.demo.add_people():
        console.print(f"Added {added} demonstration people whose day is today.")


async def _next(app: App) -> str:
    async with app.database.session() as session:
        upcoming = await session.messages.find_next(app.clock.now())
    if upcoming is None:
        return "Nobody is to be greeted in the next two days."
    local = upcoming.scheduled_send_at.astimezone(PINNED.load(upcoming.timezone))
    return (
        f"Next: {upcoming.first_name} {upcoming.last_name} ({upcoming.message_type.lower()}), "
        f"{local:%a %d %b %H:%M} in {upcoming.timezone}."
    )
