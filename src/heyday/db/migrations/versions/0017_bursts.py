"""Count what a provider gets in a day, and keep a pace for recipients' domains as well.

A longer name of a provider is a matter of the catalogue: no row is written anew.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"provider_pace": "ACCESS EXCLUSIVE"}
whole = ("provider_pace",)


def upgrade() -> None:
    """Go one version up."""
    op.create_table(
        "provider_days",
        sa.Column("provider", sa.String(50), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("drawn", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("drawn >= 0", name=op.f("ck_provider_days_drawn")),
        sa.PrimaryKeyConstraint("provider", "day", name=op.f("pk_provider_days")),
    )
    op.alter_column("provider_pace", "provider", type_=sa.String(320))


def downgrade() -> None:
    """Go one version down."""
    # They are made again, full, where they are still wanted.
    op.execute("DELETE FROM provider_pace WHERE length(provider) > 50")
    op.alter_column("provider_pace", "provider", type_=sa.String(50))
    op.drop_table("provider_days")
