"""Measure what texts cost a plan: one language, five, with HTML, and composed for each person.

`python -m benchmarks.plan_texts`. People from the product's own seeder, a third of whom have their
day on 1 January; each plan is of another year. The HTML has about 2 kB; texts count years, so that
there are some 130 of each. A private PostgreSQL, durable, set as `make run` sets it.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from benchmarks.crowd import FIRST_YEAR, around_new_year, bring, cpu_of_server
from heyday.bootstrap import App, open_app
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.domain.seed_texts import SeedBook, SeedShelf
from heyday.domain.text_ports import Composed, Person, TextBook, Wording
from heyday.domain.timezone import Window
from heyday.services.planning import PlanConfig, Planner
from heyday.settings import Settings

PEOPLE, DUE = 300_000, 100_000
LANGUAGES = ("en", "de", "fr", "ja", "pt")
_HTML = "<p>Hey, %1$s %2$s!</p>" + "<p style='margin: 0'>Many happy returns.</p>" * 45
# Each person speaks one of them, by chance.
_SPEAK = """
UPDATE users SET locale = ($1::varchar[])[1 + abs(hashtext(id::text)) % cardinality($1::varchar[])]
"""


class CountingBook(SeedBook):
    """Serve five languages, each with a text for every number of years."""

    def __init__(self, html: str | None = None, *, is_personal: bool = False) -> None:
        super().__init__()
        self._html = html
        self._is_personal = is_personal

    def language_for(self, locale: str | None) -> str:
        """Return the locale, which is a language."""
        return locale or LANGUAGES[0]

    def is_personal(self, message_type: str, language: str) -> bool:  # noqa: ARG002 - all or none
        """Tell whether texts are composed for each person."""
        return self._is_personal

    def wordings(
        self,
        message_type: str,  # noqa: ARG002 - the same for all
        language: str,
        years: Sequence[int],
        days: Sequence[date],  # noqa: ARG002 - no text has the day
    ) -> Sequence[Wording]:
        """Return one for each number of years."""
        text = f"Hey, %1$s %2$s it's your birthday ({language})! "
        one = Wording(language, 0, None, "Happy birthday, %1$s!", text, self._html)
        return [replace(one, years=each, text=f"{text}{each} years!") for each in years]

    def compose(self, message_type: str, language: str, on: date, person: Person) -> Composed:  # noqa: ARG002
        """Return the whole text for one person, as cheaply as can be."""
        names = f"{person.first_name} {person.last_name}"
        return Composed(f"Happy birthday, {names}!", f"Hey, {names}: {person.years}", self._html)


BOOKS: dict[str, TextBook] = {
    "one language, as declared": SeedBook(),
    "the same a year later, with people of five locales": SeedBook(),
    "five languages, with subjects": CountingBook(),
    "five languages, with subjects and HTML of 2 kB": CountingBook(_HTML),
    "five languages, composed for each person": CountingBook(is_personal=True),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold what one plan took. cpu_us: of PostgreSQL, for each row."""

    rows: int
    seconds: float
    cpu_us: float

    @property
    def line(self) -> str:
        """Return rows, rows a second and CPU as cells."""
        return f"{self.rows:,} | {self.rows / self.seconds:,.0f} | {self.cpu_us:.1f}"


async def measure(people: int, due: int, folder: Path) -> dict[str, Figures]:
    """Plan a year with each of the books."""
    async with EmbeddedServer(EmbeddedConfig(home=folder)) as url:
        await bring(url, people, due)
        async with open_app(Settings(DATABASE_URL=url)) as app:
            found = {}
            for number, (name, book) in enumerate(BOOKS.items()):
                if number == 1:
                    await _execute(app, _SPEAK, list(LANGUAGES))
                    await _execute(app, "VACUUM (FULL, ANALYZE) users")
                window = around_new_year(FIRST_YEAR + number)
                found[name] = await _plan(app, folder, book, window)
            return found


async def _execute(app: App, statement: str, *values: object) -> None:
    async with app.database.connection() as connection:
        await connection.execute(statement, *values, timeout=600)


async def _plan(app: App, folder: Path, book: TextBook, window: Window) -> Figures:
    planner = Planner(app.timezones, PlanConfig(), SeedShelf(book))
    await planner.ensure_partitions(app.database, window)
    await _execute(app, "CHECKPOINT")
    before, began = cpu_of_server(folder), time.perf_counter()
    rows = await planner.plan_window(app.database, window, window.start_at)
    seconds = time.perf_counter() - began
    return Figures(rows, seconds, (cpu_of_server(folder) - before) / rows * 1e6)


def main() -> None:
    """Measure once, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=PEOPLE, help="people to plan for")
    parser.add_argument("--due", type=int, default=DUE, help="of whom about so many are due")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="heyday-bench-") as folder:
        found = asyncio.run(measure(options.people, options.due, Path(folder)))
    print("| texts | rows | rows a second | CPU of PostgreSQL, us a row |\n|---|---|---|---|")
    print("\n".join(f"| {name} | {figures.line} |" for name, figures in found.items()))


if __name__ == "__main__":
    main()
