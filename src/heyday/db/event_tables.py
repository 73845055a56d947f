"""Declare what providers tell, and tokens they used: db/schema.py adds them to its own."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Uuid,
)

from heyday.domain.events import EventKind

_KINDS = ", ".join(f"'{kind}'" for kind in EventKind)


def declare_event_tables(metadata: MetaData) -> None:
    """Add the tables."""
    Table(
        "message_events",
        metadata,
        Column("event_id", Uuid, nullable=False),
        Column("delivery_date", Date, nullable=False),
        Column("message_id", Uuid, nullable=False),
        Column("provider", String(20), nullable=False),
        Column("kind", String(20), nullable=False),
        Column("code", String(20)),
        Column("happened_at", DateTime(timezone=True), nullable=False),
        Column("received_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("event_id", "delivery_date"),
        CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
        Index("idx_message_events_message_id", "message_id"),
        # By the date of the greeting, not by when it came: so that the same event, told again in
        # another month, meets itself.
        postgresql_partition_by="RANGE (delivery_date)",
    )
    Table(
        "webhook_tokens",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("request_id", Uuid, nullable=False),
        Column("used_at", DateTime(timezone=True), nullable=False),
        Index("idx_webhook_tokens_used_at", "used_at"),
    )
