"""Declare sessions of browsers: db/schema.py adds them to its own."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Uuid,
)


def declare_session_tables(metadata: MetaData) -> None:
    """Add the table."""
    instant = DateTime(timezone=True)
    Table(
        "web_sessions",
        metadata,
        Column("digest", LargeBinary, primary_key=True),
        Column("key_id", Uuid, ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False),
        Column("created_at", instant, nullable=False),
        Column("idle_until", instant, nullable=False),
        Column("ends_at", instant, nullable=False),
        CheckConstraint("octet_length(digest) = 32", name="digest"),
        CheckConstraint("idle_until <= ends_at", name="idle_until"),
        Index("idx_web_sessions_idle_until", "idle_until"),
        Index("idx_web_sessions_key_id", "key_id"),
    )
