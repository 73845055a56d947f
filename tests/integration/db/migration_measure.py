"""Measure what a migration does to a database that others use, by what PostgreSQL says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

# The strongest last. ACCESS SHARE, which every reader takes, is in nobody's way.
MODES = (
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)
_TABLES = """
SELECT c.oid, c.relname AS name, coalesce(r.relname, c.relname) AS root, c.relfilenode AS file
FROM pg_class c
LEFT JOIN pg_class r ON r.oid = pg_partition_root(c.oid)
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND c.relname <> 'alembic_version'
"""
_COLUMNS = """
SELECT c.relname AS table, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS is_required, a.atthasdef OR a.attidentity <> '' AS has_default
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
"""
# Of each index its file, which is another one once it was built anew.
_INDEXES = """
SELECT i.indrelid AS table, i.indexrelid AS name, c.relfilenode AS file
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indisvalid
"""
# What was checked against all rows.
_CHECKED = """
SELECT conrelid AS table, oid AS name, 0 AS file FROM pg_constraint
WHERE contype IN ('c', 'f') AND convalidated
"""
_LOCKS = """
SELECT relation, upper(regexp_replace(replace(mode, 'Lock', ''), '([a-z])([A-Z])', '\\1 \\2', 'g'))
FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
"""


@dataclass(frozen=True, slots=True)
class Table:
    """Hold a table by name, with that of what it is a partition of, or its own."""

    name: str
    root: str
    file: int


@dataclass(frozen=True, slots=True)
class Schema:
    """Hold what there is: tables by number, columns by table and name, and what is of tables."""

    tables: Mapping[int, Table]
    columns: Mapping[tuple[str, str], tuple[str, bool, bool]]
    parts: frozenset[tuple[int, int, int]]

    @classmethod
    def read(cls, connection: Connection) -> "Schema":
        """Return the schema as this transaction sees it."""
        return cls(
            {row[0]: Table(*row[1:]) for row in connection.execute(text(_TABLES))},
            {tuple(row[:2]): tuple(row[2:]) for row in connection.execute(text(_COLUMNS))},
            frozenset(
                tuple(row)
                for query in (_INDEXES, _CHECKED)
                for row in connection.execute(text(query))
            ),
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """Hold what a migration did.

    locks, whole: as heyday.db.migration has them.   takes_away: tables and columns that are gone or
    hold something else.   demands: columns that whoever writes has to know of.
    """

    locks: Mapping[str, str]
    whole: Sequence[str]
    takes_away: Sequence[str]
    demands: Sequence[str]


def measure(connection: Connection, before: Schema) -> Effect:
    """Return what was done since, by this transaction, which is still open."""
    after = Schema.read(connection)
    locks: dict[str, str] = {}
    for oid, mode in connection.execute(text(_LOCKS)):
        if oid in before.tables and mode in MODES:
            root = before.tables[oid].root
            locks[root] = max(locks.get(root, MODES[0]), mode, key=MODES.index)
    # A table whose file is another one was written anew; one that has new parts was read for them.
    written = {oid for oid, table in before.tables.items() if _file(after, oid) != table.file}
    read = {table for table, *_ in after.parts - before.parts if table in before.tables}
    there = {table.name for table in before.tables.values()}
    new = after.columns.keys() - before.columns.keys()
    return Effect(
        dict(sorted(locks.items())),
        sorted({before.tables[oid].root for oid in written | read if oid in after.tables}),
        sorted(_taken(before, after)),
        sorted(
            f"{table}.{name}"
            for table, name in after.columns
            if table in there and _is_demanded(before, after, (table, name), new)
        ),
    )


def _file(schema: Schema, oid: int) -> int | None:
    return schema.tables[oid].file if oid in schema.tables else None


def _taken(before: Schema, after: Schema) -> set[str]:
    kept = {table.name for table in after.tables.values()}
    gone = {table.name for table in before.tables.values()} - kept
    return gone | {
        f"{table}.{name}"
        for (table, name), (kind, *_) in before.columns.items()
        if table in kept and not _holds(kind, after.columns.get((table, name)))
    }


def _holds(kind: str, now: tuple[str, bool, bool] | None) -> bool:
    """Tell whether a column is still there, and of its type; a longer text takes a shorter one."""
    if now is None:
        return False
    varying = "character varying("
    if kind.startswith(varying) and now[0].startswith(varying):
        return int(now[0][len(varying) : -1]) >= int(kind[len(varying) : -1])
    return now[0] == kind


def _is_demanded(
    before: Schema, after: Schema, column: tuple[str, str], new: set[tuple[str, str]]
) -> bool:
    """Tell whether a row that is written as before would now be refused for this column."""
    _, is_required, has_default = after.columns[column]
    was_required = column not in new and before.columns[column][1]
    return is_required and not was_required and not (column in new and has_default)
