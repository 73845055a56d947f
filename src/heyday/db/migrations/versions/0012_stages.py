"""Let indexes know the stage of a greeting instead of its status.

An update that changes no column which any index knows writes into none of them. A claim moves a
greeting from QUEUED to SENDING, which is one stage.

Claims then need room for a second version of a row on its page: `fillfactor`.

The new column writes `message_logs` anew, and the indexes are built again: some ten seconds for a
million rows, for which whoever reads or writes it waits.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"message_logs": "ACCESS EXCLUSIVE"}
whole = ("message_logs",)

_STAGE = (
    "CASE status WHEN 'SCHEDULED'::text THEN 'PLANNED'::character varying "
    "WHEN 'RETRYING'::text THEN 'PLANNED'::character varying "
    "WHEN 'QUEUED'::text THEN 'LEAVING'::character varying "
    "WHEN 'SENDING'::text THEN 'LEAVING'::character varying ELSE status END"
)
# What db/partitions.py makes new ones with.
_STORAGE = {
    "fillfactor": "50",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.02",
}
_KEY = ["scheduled_send_time", "id"]
# Name, columns, condition.
_OLD = (
    ("idx_message_logs_status", ["status"], None),
    ("idx_message_logs_scheduler", _KEY, "status IN ('SCHEDULED', 'RETRYING')"),
    ("idx_message_logs_recovery", _KEY, "status IN ('QUEUED', 'SENDING')"),
)
_NEW = (
    (
        "idx_message_logs_status",
        ["stage", *_KEY],
        "stage NOT IN ('PLANNED', 'LEAVING', 'SENT')",
    ),
    ("idx_message_logs_scheduler", _KEY, "stage = 'PLANNED'"),
    ("idx_message_logs_recovery", _KEY, "stage = 'LEAVING'"),
)


def upgrade() -> None:
    """Go one version up."""
    _drop_indexes()
    _alter_partitions("SET (" + ", ".join(f"{k} = {v}" for k, v in _STORAGE.items()) + ")")
    op.add_column(
        "message_logs",
        sa.Column("stage", sa.String(20), sa.Computed(_STAGE, persisted=True), nullable=False),
    )
    _create(_NEW)


def downgrade() -> None:
    """Go one version down."""
    _drop_indexes()
    _alter_partitions("RESET (" + ", ".join(_STORAGE) + ")")
    op.drop_column("message_logs", "stage")
    _create(_OLD)


def _drop_indexes() -> None:
    for name, _, _ in _OLD:
        op.drop_index(name, table_name="message_logs")


def _create(indexes: Sequence[tuple[str, list[str], str | None]]) -> None:
    for name, columns, condition in indexes:
        where = sa.text(condition) if condition else None
        op.create_index(name, "message_logs", columns, postgresql_where=where)


def _alter_partitions(change: str) -> None:
    partitions = sa.text(
        "SELECT inhrelid::regclass::text FROM pg_inherits "
        "WHERE inhparent = 'message_logs'::regclass"
    )
    for name in op.get_bind().scalars(partitions).all():
        op.execute(f"ALTER TABLE {name} {change}")
