"""Declare the audit log and kept replies: db/schema.py adds them to its own."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import INET, JSONB


def declare_habit_tables(metadata: MetaData) -> None:
    """Add the tables."""
    _declare_audit_log(metadata)
    _declare_api_replies(metadata)


def _declare_audit_log(metadata: MetaData) -> None:
    # No identity: partitioned tables have none before PostgreSQL 17.
    numbers = Sequence("audit_log_id_seq", metadata=metadata)

    Table(
        "audit_log",
        metadata,
        Column("id", BigInteger, server_default=numbers.next_value(), nullable=False),
        Column(
            "at", DateTime(timezone=True), server_default=text("clock_timestamp()"), nullable=False
        ),
        Column("actor_kind", String(10), nullable=False),
        Column("actor_id", Uuid),
        Column("actor_name", String(100), nullable=False),
        Column("sql_role", String(63), nullable=False),
        Column("action", String(60), nullable=False),
        Column("subject_ids", ARRAY(Uuid), nullable=False),
        Column("fields", ARRAY(Text), nullable=False, server_default=text("'{}'")),
        Column("address", INET),
        Column("request_id", String(64)),
        PrimaryKeyConstraint("id", "at"),
        Index(
            "idx_audit_log_subjects",
            "subject_ids",
            postgresql_using="gin",
            postgresql_where=text("cardinality(subject_ids) <= 200"),
        ),
        Index(
            "idx_audit_log_groups",
            "id",
            postgresql_where=text("cardinality(subject_ids) > 200"),
        ),
        Index("idx_audit_log_actor", "actor_id", "id"),
        postgresql_partition_by="RANGE (at)",
    )


def _declare_api_replies(metadata: MetaData) -> None:
    Table(
        "api_replies",
        metadata,
        Column("key_id", Uuid, nullable=False),
        Column("idempotency_key", String(255), nullable=False),
        Column("fingerprint", LargeBinary, nullable=False),
        Column("status", SmallInteger),
        Column("headers", JSONB),
        Column("body", LargeBinary),
        Column("subject_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
        Column("created_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("key_id", "idempotency_key"),
        Index("idx_api_replies_created_at", "created_at"),
    )
