"""Keep what each day was like, so that no page has to count a month of greetings.

A row a day, written when the day is over. Nothing that is there is read or written anew.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go one version up."""
    op.create_table(
        "kept_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("tallies", JSONB(), nullable=False),
        sa.Column("lateness", JSONB(), nullable=False),
        sa.CheckConstraint(
            "open >= 0 AND kept >= 0 AND missed >= 0", name=op.f("ck_kept_days_counts")
        ),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_kept_days")),
    )


def downgrade() -> None:
    """Go one version down."""
    op.drop_table("kept_days")
