"""Build indexes while others write, for migrations that say `is_transaction = False`.

Each may be run again after an attempt that was broken off, and goes on where that one stood.
"""

from datetime import timedelta

from alembic import op
from sqlalchemy import Connection, text

from heyday.db.locking import Patience

_PARTITIONS = """
SELECT c.oid::regclass::text AS name
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = CAST(:table AS regclass) ORDER BY c.relname
"""
# Nothing: it is not there.
_IS_WHOLE = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"
_OF_PARTITION = """
SELECT EXISTS (
    SELECT FROM pg_inherits p JOIN pg_index i ON i.indexrelid = p.inhrelid
    WHERE p.inhparent = to_regclass(:name) AND i.indrelid = CAST(:partition AS regclass))
"""


def build_index(name: str, table: str, definition: str) -> None:
    """Build an index of a table, or of each partition of one, beside those who write.

    definition: what stands behind ON and the name of the table, such as `(timezone, id)`.
    Whoever reads or writes waits for nothing; it takes as long as the oldest transaction lasts, and
    reads the table twice.
    """
    connection = op.get_bind()
    if not _is_partitioned(connection, table):
        _build(connection, name, table, definition)
        return
    # Partitions that come from here on have it from their parent.
    connection.execute(text(f"CREATE INDEX IF NOT EXISTS {name} ON ONLY {table} {definition}"))
    for partition in connection.scalars(text(_PARTITIONS), {"table": table}).all():
        given = {"name": name, "partition": partition}
        if not connection.scalar(text(_OF_PARTITION), given):
            own = f"{name}_{partition.removeprefix(table).strip('_')}"
            _build(connection, own, partition, definition)
            _attach(connection, name, own)


def _is_partitioned(connection: Connection, table: str) -> bool:
    query = "SELECT relkind = 'p' FROM pg_class WHERE oid = CAST(:table AS regclass)"
    return bool(connection.scalar(text(query), {"table": table}))


def _build(connection: Connection, name: str, table: str, definition: str) -> None:
    is_whole = connection.scalar(text(_IS_WHOLE), {"name": name})
    if is_whole is False:
        # What an attempt left behind that did not come to its end: it is of no use to anybody.
        connection.execute(text(f"DROP INDEX CONCURRENTLY {name}"))
    if not is_whole:
        connection.execute(text(f"CREATE INDEX CONCURRENTLY {name} ON {table} {definition}"))


def _attach(connection: Connection, name: str, own: str) -> None:
    # Whoever plans a statement on the partition looks at its indexes, and would queue up behind.
    milliseconds = Patience().lock // timedelta(milliseconds=1)
    connection.execute(
        text(
            f"DO $$ BEGIN PERFORM set_config('lock_timeout', '{milliseconds}', true);"
            f" ALTER INDEX {name} ATTACH PARTITION {own}; END $$"
        )
    )
