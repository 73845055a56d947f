"""Tell before an upgrade what it would do, and whether it can be done beside what runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heyday.db import queries
from heyday.db.migration import Migration
from heyday.db.types import AnyConnection

# What is read or written anew within a second or so, however slow the disk.
_BRIEF_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Step:
    """Hold a migration that is to run.

    sizes: of tables in bytes, with indexes and partitions; None: not there yet.
    revision: that the database has now, up to which programs beside it know the schema.
    """

    migration: Migration
    sizes: Mapping[str, int | None]
    revision: str | None

    @property
    def is_brief(self) -> bool:
        """Tell whether nobody waits for it for long."""
        return all((self.sizes.get(table) or 0) <= _BRIEF_BYTES for table in self.migration.whole)

    @property
    def is_safe(self) -> bool:
        """Tell whether programs of the schema that there is now work on during it and after."""
        serves_from = self.migration.serves_from
        serves = self.revision is None or serves_from is None or serves_from <= self.revision
        return serves and self.is_brief


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold what an upgrade would do.

    revision: that the database has; None: nothing was ever migrated.   newest: that this release
    needs.
    """

    revision: str | None
    newest: str
    steps: Sequence[Step]

    @property
    def is_safe(self) -> bool:
        """Tell whether all of it can run beside programs of the schema that there is now."""
        return all(step.is_safe for step in self.steps)


async def read_sizes(
    connection: AnyConnection, migrations: Sequence[Migration]
) -> Mapping[str, int | None]:
    """Return how large the tables are that migrations lock."""
    tables = sorted({table for each in migrations for table in each.locks})
    rows = await connection.fetch(queries.load("migrations")["sizes"].text, tables)
    return {row["name"]: row["size"] for row in rows}
