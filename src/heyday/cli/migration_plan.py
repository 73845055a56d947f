"""Show what an upgrade of the database would do."""

from collections.abc import Iterator, Mapping
from typing import Any

import typer

from heyday.db.migration_plan import Plan, Step

_MEGA = 1 << 20


def described(plan: Plan) -> Mapping[str, Any]:
    """Return a plan as JSON has it."""
    return {
        "revision": plan.revision,
        "newest": plan.newest,
        "safe": plan.is_safe,
        "migrations": [
            {
                "revision": step.migration.revision,
                "title": step.migration.title,
                "safe": step.is_safe,
                "serves_from": step.migration.serves_from,
                "locks": [
                    {
                        "table": table,
                        "mode": mode,
                        "whole_table": table in step.migration.whole,
                        "bytes": step.sizes.get(table),
                    }
                    for table, mode in step.migration.locks.items()
                ],
            }
            for step in plan.steps
        ],
    }


def print_plan(plan: Plan) -> None:
    """Print it for people."""
    for line in _lines(plan):
        typer.echo(line)


def _lines(plan: Plan) -> Iterator[str]:
    if plan.revision is not None and plan.revision > plan.newest:
        yield (
            f"A newer release has migrated the database, to {plan.revision}; this one knows "
            f"{plan.newest}, and runs beside it. There is nothing to do."
        )
        return
    if not plan.steps:
        yield f"The database is at {plan.newest}, as this release needs it. There is nothing to do."
        return
    yield f"The database is at {plan.revision or 'nothing'}; this release needs {plan.newest}."
    for step in plan.steps:
        yield ""
        yield from _of_step(step)
    yield ""
    if plan.revision is None:
        yield "Nothing was changed."
    elif plan.is_safe:
        yield "All of it can be done beside what runs now. Nothing was changed."
    else:
        yield "Not all of it can be done beside what runs now: see above. Nothing was changed."


def _of_step(step: Step) -> Iterator[str]:
    migration = step.migration
    yield f"{migration.revision}  {migration.title}"
    if not migration.locks:
        yield "      locks no table that is there"
    for table, mode in migration.locks.items():
        size = step.sizes.get(table)
        there = "not there yet" if size is None else f"{size / _MEGA:,.1f} MB"
        lasts = "while all of it is read or written" if table in migration.whole else "an instant"
        yield f"      {table} ({there}): {mode}, {lasts}"
    if not step.is_brief:
        yield "      NOT beside what runs: whoever wants that table waits. Stop Heyday for it."
    elif not step.is_safe:
        yield (
            f"      NOT beside what runs: it takes away what programs need that know less than "
            f"{migration.serves_from}. Upgrade to the release before this one first."
        )
