"""Remember through which sender a greeting left, or was last tried."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"message_attempts": "ACCESS EXCLUSIVE", "message_logs": "ACCESS EXCLUSIVE"}

_TABLES = ("message_logs", "message_attempts")


def upgrade() -> None:
    """Go one version up."""
    for table in _TABLES:
        op.add_column(table, sa.Column("sender", sa.String(20)))


def downgrade() -> None:
    """Go one version down."""
    for table in _TABLES:
        op.drop_column(table, "sender")
