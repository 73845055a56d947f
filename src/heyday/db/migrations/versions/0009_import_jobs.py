"""Keep files that are imported as jobs, and the rows that they rejected.

Makes tables, and so locks nothing that is there.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go one version up."""
    _create_jobs()
    op.create_table(
        "import_chunks",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _belongs_to_a_job("import_chunks"),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_import_chunks")),
    )
    op.create_table(
        "import_rejects",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("email", sa.Text()),
        sa.Column("cells", sa.LargeBinary(), nullable=False),
        _belongs_to_a_job("import_rejects"),
        sa.PrimaryKeyConstraint("job_id", "line", name=op.f("pk_import_rejects")),
    )
    op.create_index("idx_import_rejects_email", "import_rejects", [sa.text("lower(email)")])


def _create_jobs() -> None:
    instant = sa.DateTime(timezone=True)
    counts = ("bytes_total", "bytes_done", "rows_done", "imported", "updated", "rejected")
    op.create_table(
        "import_jobs",
        sa.Column("id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False),
        sa.Column("state", sa.String(20), server_default="receiving", nullable=False),
        sa.Column("columns", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("has_bom", sa.Boolean(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
            for name in (*counts, "suspicious")
        ),
        sa.Column("epoch", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("started_at", instant),
        sa.Column("finished_at", instant),
        sa.Column("lease_until", instant),
        sa.CheckConstraint(
            "state IN ('receiving', 'waiting', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_import_jobs_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('receiving', 'running') OR lease_until IS NOT NULL",
            name=op.f("ck_import_jobs_lease"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_jobs")),
    )
    newest = [sa.text("created_at DESC"), sa.text("id DESC")]
    op.create_index("idx_import_jobs_created", "import_jobs", newest)
    op.create_index(
        "idx_import_jobs_open",
        "import_jobs",
        ["created_at", "id"],
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )


def _belongs_to_a_job(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_job_id")
    return sa.ForeignKeyConstraint(["job_id"], ["import_jobs.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    """Go one version down."""
    for table in ("import_rejects", "import_chunks", "import_jobs"):
        op.drop_table(table)
