"""Declare the tables of import jobs: db/schema.py adds them to its own."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from heyday.domain.imports import NAME_LENGTH, ImportState

_STATES = ", ".join(f"'{state.value}'" for state in ImportState)


def _count(name: str, kind: type[BigInteger] | type[Integer] = BigInteger) -> Column[int]:
    return Column(name, kind, nullable=False, server_default=text("0"))


def _instant(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True))


def _of_job() -> Column[object]:
    return Column("job_id", ForeignKey("import_jobs.id", ondelete="CASCADE"), nullable=False)


def declare_import_tables(metadata: MetaData) -> None:
    """Add the tables."""
    _declare_jobs(metadata)
    Table(
        "import_chunks",
        metadata,
        _of_job(),
        Column("number", Integer, nullable=False),
        Column("content", LargeBinary, nullable=False),
        PrimaryKeyConstraint("job_id", "number"),
    )
    Table(
        "import_rejects",
        metadata,
        _of_job(),
        Column("line", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
        Column("email", Text),
        Column("cells", LargeBinary, nullable=False),
        PrimaryKeyConstraint("job_id", "line"),
        Index("idx_import_rejects_email", text("lower(email)")),
    )


def _declare_jobs(metadata: MetaData) -> None:
    Table(
        "import_jobs",
        metadata,
        Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
        Column("state", String(20), nullable=False, server_default=ImportState.RECEIVING.value),
        Column("name", String(NAME_LENGTH), nullable=False, server_default=""),
        Column("columns", ARRAY(Text), nullable=False),
        Column("has_bom", Boolean, nullable=False),
        Column("reading", JSONB),
        _count("bytes_total"),
        _count("bytes_done"),
        _count("rows_done"),
        _count("imported"),
        _count("updated"),
        _count("unchanged"),
        _count("rejected"),
        _count("suspicious"),
        _count("epoch", Integer),
        Column("error", Text),
        Column("created_at", DateTime(timezone=True), nullable=False),
        _instant("started_at"),
        _instant("finished_at"),
        _instant("lease_until"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint(
            "state NOT IN ('receiving', 'uploaded', 'running') OR lease_until IS NOT NULL",
            name="lease",
        ),
        Index("idx_import_jobs_created", text("created_at DESC"), text("id DESC")),
        Index(
            "idx_import_jobs_open",
            "created_at",
            "id",
            postgresql_where=text("state IN ('waiting', 'running')"),
        ),
    )
