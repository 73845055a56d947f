"""Find the most urgent batch without sorting all that wait."""

from collections.abc import Sequence

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"queue_batches": "ACCESS EXCLUSIVE"}
whole = ("queue_batches",)


def upgrade() -> None:
    """Go one version up."""
    op.create_index("idx_queue_batches_due", "queue_batches", ["due_at"])
    op.drop_index("idx_queue_batches_visible", table_name="queue_batches")


def downgrade() -> None:
    """Go one version down."""
    op.create_index("idx_queue_batches_visible", "queue_batches", ["visible_at"])
    op.drop_index("idx_queue_batches_due", table_name="queue_batches")
