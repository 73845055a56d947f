"""Declare the days that were counted and kept: db/schema.py adds them to its own."""

from sqlalchemy import CheckConstraint, Column, Date, DateTime, Integer, MetaData, Table
from sqlalchemy.dialects.postgresql import JSONB


def declare_day_tables(metadata: MetaData) -> None:
    """Add the table."""
    Table(
        "kept_days",
        metadata,
        Column("day", Date, primary_key=True),
        Column("counted_at", DateTime(timezone=True), nullable=False),
        Column("open", Integer, nullable=False),
        Column("kept", Integer, nullable=False),
        Column("missed", Integer, nullable=False),
        Column("tallies", JSONB, nullable=False),
        Column("lateness", JSONB, nullable=False),
        CheckConstraint("open >= 0 AND kept >= 0 AND missed >= 0", name="counts"),
    )
