"""Keep by what a batch, and a run of a scheduler, is followed.

Releases before this one neither write these columns nor read them: nothing is followed there.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"job_runs": "ACCESS EXCLUSIVE", "queue_batches": "ACCESS EXCLUSIVE"}

_PATIENCE = "SET LOCAL lock_timeout = '10s'"
_TABLES = ("queue_batches", "job_runs")


def upgrade() -> None:
    """Go one version up."""
    for table in _TABLES:
        op.add_column(table, sa.Column("traceparent", sa.String(55)))


def downgrade() -> None:
    """Go one version down."""
    op.execute(_PATIENCE)
    for table in _TABLES:
        op.drop_column(table, "traceparent")
