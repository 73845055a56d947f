"""Let a file wait until somebody says how it is to be read.

The table has a row for each import: it is locked for as long as it takes to look at those.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"import_jobs": "ACCESS EXCLUSIVE"}
whole = ("import_jobs",)

_STATES = ("receiving", "waiting", "running", "done", "failed", "cancelled")


def upgrade() -> None:
    """Go one version up."""
    op.add_column(
        "import_jobs", sa.Column("name", sa.String(200), server_default="", nullable=False)
    )
    op.add_column("import_jobs", sa.Column("reading", postgresql.JSONB()))
    op.add_column(
        "import_jobs",
        sa.Column("unchanged", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    _check_states(("receiving", "uploaded", *_STATES[1:]), ("receiving", "uploaded", "running"))


def _check_states(states: Sequence[str], with_lease: Sequence[str]) -> None:
    checks = {
        "ck_import_jobs_state": f"state IN ({_listed(states)})",
        "ck_import_jobs_lease": f"state NOT IN ({_listed(with_lease)}) OR lease_until IS NOT NULL",
    }
    for name, check in checks.items():
        op.drop_constraint(op.f(name), "import_jobs", type_="check")
        op.create_check_constraint(op.f(name), "import_jobs", check)


def _listed(states: Sequence[str]) -> str:
    return ", ".join(f"'{state}'" for state in states)


def downgrade() -> None:
    """Go one version down. Files that nobody has started are gone."""
    op.execute("DELETE FROM import_jobs WHERE state = 'uploaded'")
    # One that is to be read in its own way would be read as it is.
    op.execute(
        "UPDATE import_jobs SET state = 'cancelled', finished_at = now(), lease_until = NULL "
        "WHERE state IN ('waiting', 'running') AND reading IS NOT NULL"
    )
    _check_states(_STATES, ("receiving", "running"))
    for column in ("unchanged", "reading", "name"):
        op.drop_column("import_jobs", column)
