"""Declare companies' own texts: db/schema.py adds them to its own."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    String,
    Table,
    Text,
    func,
)

from heyday.domain.locales import LOCALE_LENGTH, TAG_PATTERN
from heyday.domain.message_types import MESSAGE_TYPES


def declare_text_tables(metadata: MetaData) -> None:
    """Add the table."""
    # Each change takes a number of its own, which the trigger touch_text sees to.
    versions = Sequence("message_texts_version_seq", metadata=metadata)
    types = ", ".join(f"'{message_type.name}'" for message_type in MESSAGE_TYPES)
    Table(
        "message_texts",
        metadata,
        Column("message_type", String(20), nullable=False),
        Column("language", String(LOCALE_LENGTH), nullable=False),
        Column("subject", Text),
        Column("text", Text, nullable=False),
        Column("html", Text),
        Column("version", BigInteger, server_default=versions.next_value(), nullable=False),
        Column("updated_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
        PrimaryKeyConstraint("message_type", "language"),
        CheckConstraint(f"message_type IN ({types})", name="message_type"),
        CheckConstraint(f"language ~ '{TAG_PATTERN}'", name="language"),
    )
