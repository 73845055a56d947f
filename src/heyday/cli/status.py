"""Watch how a day goes: `heyday status`."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live

from heyday.cli.running import print_json, with_app
from heyday.cli.status_page import draw
from heyday.cli.status_report import report

if TYPE_CHECKING:
    from heyday.bootstrap import App

EVERY = timedelta(seconds=2)


def status(
    is_once: Annotated[bool, typer.Option("--once", help="Print it once, and leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it once, as JSON.")] = False,
) -> None:
    """Show how today goes: what leaves now and where, what was sent, how late, what is wrong.

    It is read anew each 2 seconds until Ctrl-C, or once where it is not shown on a terminal. The
    day is one in UTC. It is what the pages Today and Health tell, of the same database: names and
    addresses are in neither. `heyday doctor` looks deeper, once.
    """
    from heyday.bootstrap.overviews import overview_of, today_of

    async def work(app: "App") -> None:
        today = today_of(app, EVERY)
        overview, console = overview_of(app, today), Console(highlight=False)
        try:
            first = await overview.look()
            if as_json:
                print_json(report(first))
            elif is_once or not console.is_terminal:
                console.print(draw(first))
            else:
                with Live(draw(first), console=console, screen=True, auto_refresh=False) as live:
                    while True:
                        await app.clock.sleep_until(app.clock.now() + EVERY)
                        live.update(draw(await overview.look()), refresh=True)
        finally:
            await today.close()

    with_app(work)
