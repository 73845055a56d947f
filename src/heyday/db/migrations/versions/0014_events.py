"""Keep what providers tell of letters, and let it put addresses on the list.

Safe while Heyday runs: two new tables, and a check of `suppressions`, which is read once for it;
who writes there waits for that.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"suppressions": "ACCESS EXCLUSIVE"}
whole = ("suppressions",)

_KINDS = (
    "'accepted', 'delivered', 'delayed', 'returned', 'bounced', 'dropped', 'complained', "
    "'unsubscribed'"
)
_OLD_REASONS = "'unsubscribed', 'erased'"
_REASONS = "'unsubscribed', 'bounced', 'complained', 'erased'"
# Each month that the ledger has: a greeting there may be told of.
_MONTHS = """
DO $$
DECLARE
    month record;
BEGIN
    FOR month IN
        SELECT replace(c.relname, 'idempotency_keys', 'message_events') AS name,
               pg_get_expr(c.relpartbound, c.oid) AS bounds
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'idempotency_keys'::regclass
    LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF message_events %s', month.name, month.bounds);
    END LOOP;
END
$$
"""


def upgrade() -> None:
    """Go one version up."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "message_events",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_date", sa.Date(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("code", sa.String(20)),
        sa.Column("happened_at", instant, nullable=False),
        sa.Column("received_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("event_id", "delivery_date", name=op.f("pk_message_events")),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name=op.f("ck_message_events_kind")),
        postgresql_partition_by="RANGE (delivery_date)",
    )
    op.create_index("idx_message_events_message_id", "message_events", ["message_id"])
    op.execute(_MONTHS)
    op.create_table(
        "webhook_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("used_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_tokens")),
    )
    op.create_index("idx_webhook_tokens_used_at", "webhook_tokens", ["used_at"])
    _allow_reasons(_REASONS)


def downgrade() -> None:
    """Go one version down. Addresses that came back or complained stay, as unsubscribed ones."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "UPDATE suppressions SET reason = 'unsubscribed' WHERE reason IN ('bounced', 'complained')"
    )
    _allow_reasons(_OLD_REASONS)
    op.drop_table("webhook_tokens")
    op.drop_table("message_events")


def _allow_reasons(reasons: str) -> None:
    op.drop_constraint(op.f("ck_suppressions_reason"), "suppressions")
    op.create_check_constraint(
        op.f("ck_suppressions_reason"), "suppressions", f"reason IN ({reasons})"
    )
