"""Keep letters of the local mailbox as they would look: with subject, HTML and language.

New columns whose default the catalogue holds change no row: letters that are there stay plain.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"inbox_messages": "ACCESS EXCLUSIVE"}

_PATIENCE = "SET LOCAL lock_timeout = '10s'"
_TABLE = "inbox_messages"


def upgrade() -> None:
    """Go one version up."""
    op.add_column(_TABLE, sa.Column("subject", sa.Text(), server_default="", nullable=False))
    op.add_column(_TABLE, sa.Column("html", sa.Text()))
    op.add_column(_TABLE, sa.Column("language", sa.String(35), server_default="en", nullable=False))


def downgrade() -> None:
    """Go one version down."""
    op.execute(_PATIENCE)
    for column in ("language", "html", "subject"):
        op.drop_column(_TABLE, column)
