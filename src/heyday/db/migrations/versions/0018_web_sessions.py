"""Keep sessions of browsers.

A new table, which nothing else refers to. Its foreign key takes a lock on `api_keys` for an instant
that stops nobody who reads it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"api_keys": "SHARE ROW EXCLUSIVE"}  # pragma: allowlist secret


def upgrade() -> None:
    """Go one version up."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "web_sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("idle_until", instant, nullable=False),
        sa.Column("ends_at", instant, nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_web_sessions_digest")),
        sa.CheckConstraint("idle_until <= ends_at", name=op.f("ck_web_sessions_idle_until")),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_keys.id"],
            name=op.f("fk_web_sessions_key_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_web_sessions")),
    )
    op.create_index("idx_web_sessions_idle_until", "web_sessions", ["idle_until"])
    op.create_index("idx_web_sessions_key_id", "web_sessions", ["key_id"])


def downgrade() -> None:
    """Go one version down. Whoever is signed in signs in again."""
    op.drop_table("web_sessions")
