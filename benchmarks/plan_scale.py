"""Measure what planning costs when more people are not due.

`python -m benchmarks.plan_scale`. As many greetings are due on 1 January among a million people as
among ten million; for a hundred million the time is carried on as it grew. A server of its own for
each size; several years are planned on it. The statement's plan is shown by what it did to find
the people: one step of the index for each zone day, and a look at each person found.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from benchmarks.crowd import FIRST_YEAR, Planned, around_new_year, bring, plan
from benchmarks.entries import Row
from heyday.db import plan_texts, plans
from heyday.db.connection import connect
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.types import PooledConnection
from heyday.domain.message_types import BIRTHDAY
from heyday.domain.models import PlanRules
from heyday.domain.timezone import TimezoneService, Window, ZoneDay
from heyday.domain.tzdb import PINNED
from tests.factories import seed_choice

SIZES, DUE = (1_000_000, 10_000_000), 250_000
_YEARS = 5
_EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) "


@dataclass(frozen=True, slots=True)
class Found:
    """Hold how the statement found people: steps of the index, people found, pages touched."""

    index: str
    steps: int
    people: int
    pages: int


@dataclass(frozen=True, slots=True)
class Size:
    """Hold what planning took among so many people."""

    people: int
    planned: list[Planned]
    found: Found

    @property
    def seconds(self) -> float:
        """Return the time of a plan, as a median, for a million rows."""
        return statistics.median(run.seconds / run.rows * 1e6 for run in self.planned)

    @property
    def pages(self) -> float:
        """Return the pages touched for each person found."""
        return self.found.pages / self.found.people


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold the sizes of one run, ascending."""

    sizes: list[Size]

    @property
    def growth(self) -> float:
        """Return how many times as long it takes among the most people as among the fewest.

        It is the median of the years, of which each was planned on both within seconds.
        """
        pairs = zip(self.sizes[0].planned, self.sizes[-1].planned, strict=True)
        return statistics.median(fewest.rate / most.rate for fewest, most in pairs)

    @property
    def further(self) -> float:
        """Return the seconds among as many times more people again, if it grows on as it did."""
        return self.sizes[-1].seconds * self.growth


ROWS: tuple[Row[Figures], ...] = (
    Row("among the fewest: s for a million rows", lambda run: run.sizes[0].seconds, "{:.1f}"),
    Row("among the most: s for a million rows", lambda run: run.sizes[-1].seconds, "{:.1f}"),
    Row("times as long", lambda run: run.growth, "{:.2f}", at_most=1.25),
    Row("among ten times more again, grown on: s", lambda run: run.further, "{:.1f}"),
    Row("steps of the index, one a zone day", lambda run: run.sizes[-1].found.steps),
    Row("pages touched for each person found, fewest", lambda run: run.sizes[0].pages, "{:.2f}"),
    Row("pages touched for each person found, most", lambda run: run.sizes[-1].pages, "{:.2f}"),
)


async def measure(sizes: Sequence[int], due: int, folder: Path) -> Figures:
    """Do one run: all sizes on new servers, and some years on them by turns."""
    async with AsyncExitStack() as stack:
        servers: list[tuple[str, Path]] = []
        for people in sizes:
            home = folder / str(people)
            url = await stack.enter_async_context(EmbeddedServer(EmbeddedConfig(home=home)))
            await bring(url, people, due)
            servers.append((url, home))
        years = [around_new_year(FIRST_YEAR + n) for n in range(_YEARS)]
        planned = [[await plan(url, home, year) for url, home in servers] for year in years]
        found = [await _explain(url, FIRST_YEAR + _YEARS) for url, _ in servers]
    by_size = zip(*planned, strict=True)
    figures = zip(sizes, by_size, found, strict=True)
    return Figures([Size(people, list(runs), how) for people, runs, how in figures])


async def _explain(url: str, year: int) -> Found:
    """Plan a year that is not kept, and look at how people were found."""
    window = around_new_year(year)
    zone_days = list(TimezoneService().zone_days(PINNED.served, window, window.start_at))
    rules = PlanRules(window.start_at, window.start_at, late_join=True, tzdb_version="none")
    connection = await connect(url)
    transaction = connection.transaction()
    try:
        await transaction.start()
        document = await _plan_of(cast("PooledConnection", connection), zone_days, rules)
        await transaction.rollback()
    finally:
        await connection.close()
    (users,) = (n for n in _nodes(document) if n.get("Relation Name") == "users")
    (index,) = (n["Index Name"] for n in _nodes(users) if "Index Name" in n)
    pages = users["Shared Hit Blocks"] + users["Shared Read Blocks"]
    people = round(users["Actual Rows"] * users["Actual Loops"])
    return Found(index, users["Actual Loops"], people, pages)


async def _plan_of(
    connection: PooledConnection, zone_days: Sequence[ZoneDay], rules: PlanRules
) -> dict[str, Any]:
    """Run the statement as it is run for everybody; return PostgreSQL's account of it."""
    repository = plans.PlanRepository(connection)
    await repository.ensure_partitions(Window(rules.now, zone_days[-1].send_at))
    await repository._plan_for_these_values()  # noqa: SLF001
    await repository._plan_for_everybody()  # noqa: SLF001
    texts = plan_texts.arrays(seed_choice(BIRTHDAY, zone_days))
    whom = plans._people_and_texts(BIRTHDAY, zone_days, texts, None)  # noqa: SLF001
    values = *whom, *plans._rest(rules, texts)  # noqa: SLF001
    statement = _EXPLAIN + plans.statement("plan", BIRTHDAY)
    (document,) = json.loads(await connection.fetchval(statement, *values))
    plan_of: dict[str, Any] = document["Plan"]
    return plan_of


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def main() -> None:
    """Measure once, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, nargs="+", default=SIZES, help="sizes, ascending")
    parser.add_argument("--due", type=int, default=DUE, help="of whom about so many are due")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="heyday-bench-") as folder:
        found = asyncio.run(measure(options.people, options.due, Path(folder)))
    print("\n".join(row.cells([found]) for row in ROWS))


if __name__ == "__main__":
    main()
