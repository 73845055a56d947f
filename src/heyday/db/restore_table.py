"""Declare what is known of restores: db/schema.py adds it to its own."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    MetaData,
    String,
    Table,
    literal_column,
    text,
)


def declare_restore_table(metadata: MetaData) -> None:
    """Add the table. A row without `resumed_at` holds everything; there is one at the most."""
    Table(
        "restores",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("found_at", DateTime(timezone=True), nullable=False),
        Column("reason", String(20), nullable=False),
        Column("back_to", DateTime(timezone=True)),
        Column("resumed_at", DateTime(timezone=True)),
        CheckConstraint("reason IN ('REWOUND', 'ASKED_FOR')", name="reason"),
        Index(
            "idx_restores_open",
            literal_column("(resumed_at IS NULL)"),
            unique=True,
            postgresql_where=text("resumed_at IS NULL"),
        ),
    )
