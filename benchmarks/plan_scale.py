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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from benchmarks.crowd import FIRST_YEAR, Planned, around_new_year, bring, plan
from benchmarks.pages import spread
from heyday.db import plans
from heyday.db.connection import connect
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.types import PooledConnection
from heyday.domain.message_types import BIRTHDAY
from heyday.domain.models import PlanRules
from heyday.domain.timezone import TimezoneService, Window, ZoneDay
from heyday.domain.tzdb import PINNED

SIZES, DUE = (1_000_000, 10_000_000), 250_000
MOST = 1.25
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


async def measure(people: int, due: int, runs: int, folder: Path) -> Size:
    """Plan so many years on a new server in the folder."""
    async with EmbeddedServer(EmbeddedConfig(home=folder)) as url:
        await bring(url, people, due)
        years = range(FIRST_YEAR, FIRST_YEAR + runs)
        planned = [await plan(url, folder, around_new_year(year)) for year in years]
        return Size(people, planned, await _explain(url, FIRST_YEAR + runs))


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
    values = *plans._common(BIRTHDAY, zone_days, rules), *plans._bounds(zone_days)  # noqa: SLF001
    statement = _EXPLAIN + plans.statement("plan", BIRTHDAY)
    (document,) = json.loads(await connection.fetchval(statement, *values))
    plan_of: dict[str, Any] = document["Plan"]
    return plan_of


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def table(sizes: Sequence[Size]) -> str:
    """Return what each size took, how it grew, and what that says of ten times as many."""
    lines = ["| people | rows planned | s for a million rows (range) | steps of the index |"]
    lines[0] += " people found | pages touched for each |"
    lines.append("|---|---|---|---|---|---|")
    for size in sizes:
        taken = spread([run.seconds / run.rows * 1e6 for run in size.planned], "{:.1f}")
        rows = statistics.median(run.rows for run in size.planned)
        found = size.found
        lines.append(
            f"| {size.people:,} | {rows:,.0f} | {taken} | {found.steps:,} of `{found.index}` "
            f"| {found.people:,} | {found.pages / found.people:.2f} |"
        )
    first, last = sizes[0], sizes[-1]
    growth = last.seconds / first.seconds
    further = last.people * last.people // first.people
    conclusion = (
        f"From {first.people:,} to {last.people:,} people the time grows by {growth:.2f} "
        f"(aim: at most {MOST}); grown so once more, it is {last.seconds * growth:.1f} s for "
        f"{further:,} people."
    )
    return "\n".join([*lines, "", conclusion])


async def run_all(sizes: Sequence[int], due: int, runs: int) -> list[Size]:
    """Measure each size on a server of its own."""
    found = []
    for people in sizes:
        with tempfile.TemporaryDirectory(prefix="heyday-bench-") as folder:
            found.append(await measure(people, due, runs, Path(folder)))
    return found


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, nargs="+", default=SIZES, help="sizes, ascending")
    parser.add_argument("--due", type=int, default=DUE, help="of whom about so many are due")
    parser.add_argument("--runs", type=int, default=5, help="years to plan for each size")
    options = parser.parse_args()
    print(table(asyncio.run(run_all(options.people, options.due, options.runs))))


if __name__ == "__main__":
    main()
