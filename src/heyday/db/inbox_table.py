"""Declare the local mailbox: db/schema.py adds it to its own."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, String, Table, Text

from heyday.domain.locales import LOCALE_LENGTH


def declare_inbox_table(metadata: MetaData) -> None:
    """Add the table. subject, html, language: what letters had none of before they were kept."""
    Table(
        "inbox_messages",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("idempotency_key", String(100), nullable=False, unique=True),
        Column("email", String(255), nullable=False),
        Column("message", Text, nullable=False),
        Column("scheduled_send_time", DateTime(timezone=True), nullable=False),
        Column("received_at", DateTime(timezone=True), nullable=False),
        Column("subject", Text, nullable=False, server_default=""),
        Column("html", Text),
        Column("language", String(LOCALE_LENGTH), nullable=False, server_default="en"),
    )
