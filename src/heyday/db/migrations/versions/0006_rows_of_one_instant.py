"""Find a row by its instant and its id in every index that begins with the instant.

Very many rows have one and the same instant. Where statistics are not up to date, PostgreSQL takes
such an index for the better way to a single row, and then reads all of that instant for each.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"message_logs": "ACCESS EXCLUSIVE"}
whole = ("message_logs",)

_PARTIAL = {
    "idx_message_logs_scheduled_time": None,
    "idx_message_logs_scheduler": "status IN ('SCHEDULED', 'RETRYING')",
    "idx_message_logs_recovery": "status IN ('QUEUED', 'SENDING')",
}


def upgrade() -> None:
    """Go one version up."""
    _create(["scheduled_send_time", "id"])


def downgrade() -> None:
    """Go one version down."""
    _create(["scheduled_send_time"])


def _create(columns: list[str]) -> None:
    for name, where in _PARTIAL.items():
        op.drop_index(name, table_name="message_logs")
        condition = sa.text(where) if where else None
        op.create_index(name, "message_logs", columns, postgresql_where=condition)
