"""Run migrations over the connection that heyday.db.migrate hands in."""

from alembic import context

from heyday.db.alembic_runner import is_ours
from heyday.db.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    include_object=is_ours,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
