"""Note over how many seconds greetings leave that were planned spread.

A column that is null in the rows that are there: a matter of the catalogue, no row is written anew.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"message_logs": "ACCESS EXCLUSIVE"}


def upgrade() -> None:
    """Go one version up."""
    op.add_column("message_logs", sa.Column("spread", sa.SmallInteger()))


def downgrade() -> None:
    """Go one version down."""
    op.drop_column("message_logs", "spread")
