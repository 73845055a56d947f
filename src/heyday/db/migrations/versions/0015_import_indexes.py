"""Let one index keep addresses apart and find them by how they begin.

The new index is built while `users` can be read, under a SHARE lock: whoever writes a person waits
until it is committed, a second or two for a million people. Then the two that it stands in for are
dropped, which takes no time.
"""

from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
locks = {"users": "ACCESS EXCLUSIVE"}
whole = ("users",)
branch_labels: str | None = None
depends_on: str | None = None

_LIVE = "WHERE deleted_at IS NULL"


def upgrade() -> None:
    """Go one version up."""
    op.execute("SET LOCAL maintenance_work_mem = '256MB'")
    _replace_unique("lower(email) text_pattern_ops")
    op.drop_index("idx_users_email_prefix", table_name="users")


def downgrade() -> None:
    """Go one version down."""
    op.execute("SET LOCAL maintenance_work_mem = '256MB'")
    op.execute(
        f"CREATE INDEX idx_users_email_prefix ON users (lower(email) text_pattern_ops) {_LIVE}"
    )
    _replace_unique("lower(email)")


def _replace_unique(key: str) -> None:
    """Build the unique index anew, before the former one goes."""
    op.execute(f"CREATE UNIQUE INDEX idx_users_email_new ON users ({key}) {_LIVE}")
    op.drop_index("idx_users_email_unique", table_name="users")
    op.execute("ALTER INDEX idx_users_email_new RENAME TO idx_users_email_unique")
