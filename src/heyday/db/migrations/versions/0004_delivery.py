"""Remember since when a greeting is ambiguous, and at what pace a provider is called."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"message_logs": "ACCESS EXCLUSIVE"}


def upgrade() -> None:
    """Go one version up."""
    instant = sa.DateTime(timezone=True)
    op.add_column("message_logs", sa.Column("ambiguous_since", instant))
    op.create_table(
        "provider_pace",
        sa.Column("provider", sa.String(50), nullable=False),
        sa.Column("rate", sa.Double()),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("refilled_at", instant, nullable=False),
        sa.Column("slowed_at", instant),
        sa.Column("blocked_until", instant),
        sa.CheckConstraint("rate > 0", name=op.f("ck_provider_pace_rate")),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_provider_pace")),
    )


def downgrade() -> None:
    """Go one version down."""
    op.drop_table("provider_pace")
    op.drop_column("message_logs", "ambiguous_since")
