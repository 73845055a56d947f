"""Create the first schema."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None

# People whose dates, zone or presence are changed by plain SQL must be treated as if Heyday had
# changed them: what lay before the change is not owed. Heyday itself sets eligible_since.
TOUCH_FUNCTION = """
CREATE FUNCTION touch_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.updated_at = OLD.updated_at THEN
        NEW.updated_at := now();
    END IF;
    IF NEW.eligible_since = OLD.eligible_since
       AND (NEW.timezone, NEW.birthday_date, NEW.anniversary_date, NEW.deleted_at,
            NEW.unsubscribed_at)
           IS DISTINCT FROM
           (OLD.timezone, OLD.birthday_date, OLD.anniversary_date, OLD.deleted_at,
            OLD.unsubscribed_at)
    THEN
        NEW.eligible_since := now();
    END IF;
    RETURN NEW;
END
$$
"""
TOUCH_TRIGGER = """
CREATE TRIGGER touch_user BEFORE UPDATE ON users
FOR EACH ROW EXECUTE FUNCTION touch_user()
"""

# A plan for everybody trusts its join with users instead of the foreign key's look at each row
# (db/sql/plans.sql, trust_the_join). Deleting people for good waits until such plans have
# committed, so that the cascade finds their rows.
WAIT_FUNCTION = """
CREATE FUNCTION wait_for_plans() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7393003);
    RETURN NULL;
END
$$
"""
WAIT_TRIGGER = """
CREATE TRIGGER wait_for_plans BEFORE DELETE ON users
FOR EACH STATEMENT EXECUTE FUNCTION wait_for_plans()
"""

branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go one version up."""
    op.create_table(
        "idempotency_keys",
        sa.Column("delivery_date", sa.Date(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("message_type", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint(
            "delivery_date", "user_id", "message_type", name=op.f("pk_idempotency_keys")
        ),
        postgresql_partition_by="RANGE (delivery_date)",
    )
    op.create_table(
        "inbox_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("idempotency_key", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("scheduled_send_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_messages")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_inbox_messages_idempotency_key")),
    )
    op.create_table(
        "job_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_manual", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "counts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("window_start <= window_end", name=op.f("ck_job_runs_window")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_runs")),
    )
    op.create_index(
        "idx_job_runs_name",
        "job_runs",
        ["name", sa.literal_column("started_at DESC")],
        unique=False,
    )
    op.create_table(
        "message_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("scheduled_send_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("api_response_code", sa.SmallInteger(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_message_attempts_attempt")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_attempts")),
    )
    op.create_index(
        "idx_message_attempts_message_id", "message_attempts", ["message_id"], unique=False
    )
    op.create_index(
        "idx_message_attempts_scheduled_time",
        "message_attempts",
        ["scheduled_send_time"],
        unique=False,
    )
    op.create_table(
        "queue_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("delivery_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("visible_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "cardinality(message_ids) > 0", name=op.f("ck_queue_batches_message_ids")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_batches")),
    )
    op.create_index("idx_queue_batches_visible", "queue_batches", ["visible_at"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("first_name", sa.String(length=100), nullable=False),
        sa.Column("last_name", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("timezone", sa.String(length=100), nullable=False),
        sa.Column("birthday_date", sa.Date(), nullable=True),
        sa.Column("anniversary_date", sa.Date(), nullable=True),
        sa.Column("location_city", sa.String(length=100), nullable=True),
        sa.Column("location_country", sa.String(length=100), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "eligible_since",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "birthday_month_day",
            sa.SmallInteger(),
            sa.Computed(
                "(extract(month FROM birthday_date) * 100"
                " + extract(day FROM birthday_date))::smallint",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column(
            "anniversary_month_day",
            sa.SmallInteger(),
            sa.Computed(
                "(extract(month FROM anniversary_date) * 100"
                " + extract(day FROM anniversary_date))::smallint",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.CheckConstraint("position('@' IN email) > 1", name=op.f("ck_users_email")),
        sa.CheckConstraint(
            "timezone ~ '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$'",
            name=op.f("ck_users_timezone"),
        ),
        sa.CheckConstraint(
            "length(first_name) > 0 AND length(last_name) > 0", name=op.f("ck_users_names")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index(
        "idx_users_anniversary_date",
        "users",
        ["anniversary_date"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "idx_users_anniversary_timezone",
        "users",
        ["anniversary_month_day", "timezone"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "idx_users_birthday_date",
        "users",
        ["birthday_date"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "idx_users_birthday_timezone",
        "users",
        ["birthday_month_day", "timezone"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "idx_users_email_unique",
        "users",
        [sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "message_logs",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("message_type", sa.String(length=20), nullable=False),
        sa.Column("delivery_date", sa.Date(), nullable=False),
        sa.Column("scheduled_send_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actual_send_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=20), server_default="SCHEDULED", nullable=False),
        sa.Column("retry_count", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "ambiguous_count", sa.SmallInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("epoch", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("idempotency_key", sa.String(length=100), nullable=False),
        sa.Column("message_content", sa.Text(), nullable=False),
        sa.Column("occasion_date", sa.Date(), nullable=False),
        sa.Column("timezone", sa.String(length=100), nullable=False),
        sa.Column("tzdb_version", sa.String(length=20), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("api_response_code", sa.SmallInteger(), nullable=True),
        sa.Column("api_response_body", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("provider_message_id", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "message_type IN ('BIRTHDAY', 'ANNIVERSARY')", name=op.f("ck_message_logs_message_type")
        ),
        sa.CheckConstraint(
            "status <> 'SENDING' OR lease_until IS NOT NULL", name=op.f("ck_message_logs_lease")
        ),
        sa.CheckConstraint(
            "status IN ('SCHEDULED', 'QUEUED', 'SENDING', 'SENT', 'FAILED', 'RETRYING', "
            "'CANCELLED', 'SKIPPED', 'UNKNOWN')",
            name=op.f("ck_message_logs_status"),
        ),
        sa.CheckConstraint(
            "retry_count >= 0 AND ambiguous_count >= 0", name=op.f("ck_message_logs_retry_count")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_message_logs_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", "scheduled_send_time", name=op.f("pk_message_logs")),
        postgresql_partition_by="RANGE (scheduled_send_time)",
    )
    op.create_index(
        "idx_message_logs_idempotency",
        "message_logs",
        ["idempotency_key", "scheduled_send_time"],
        unique=True,
    )
    op.create_index(
        "idx_message_logs_recovery",
        "message_logs",
        ["scheduled_send_time"],
        unique=False,
        postgresql_where=sa.text("status IN ('QUEUED', 'SENDING')"),
    )
    op.create_index(
        "idx_message_logs_scheduled_time", "message_logs", ["scheduled_send_time"], unique=False
    )
    op.create_index(
        "idx_message_logs_scheduler",
        "message_logs",
        ["scheduled_send_time"],
        unique=False,
        postgresql_where=sa.text("status IN ('SCHEDULED', 'RETRYING')"),
    )
    op.create_index("idx_message_logs_status", "message_logs", ["status"], unique=False)
    op.create_index("idx_message_logs_user_id", "message_logs", ["user_id"], unique=False)
    op.execute(TOUCH_FUNCTION)
    op.execute(TOUCH_TRIGGER)
    op.execute(WAIT_FUNCTION)
    op.execute(WAIT_TRIGGER)


def downgrade() -> None:
    """Go one version down."""
    op.drop_index("idx_message_logs_user_id", table_name="message_logs")
    op.drop_index("idx_message_logs_status", table_name="message_logs")
    op.drop_index(
        "idx_message_logs_scheduler",
        table_name="message_logs",
        postgresql_where=sa.text("status IN ('SCHEDULED', 'RETRYING')"),
    )
    op.drop_index("idx_message_logs_scheduled_time", table_name="message_logs")
    op.drop_index(
        "idx_message_logs_recovery",
        table_name="message_logs",
        postgresql_where=sa.text("status IN ('QUEUED', 'SENDING')"),
    )
    op.drop_index("idx_message_logs_idempotency", table_name="message_logs")
    op.drop_table("message_logs")
    op.drop_index(
        "idx_users_email_unique", table_name="users", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_index(
        "idx_users_birthday_timezone",
        table_name="users",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(
        "idx_users_birthday_date",
        table_name="users",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(
        "idx_users_anniversary_timezone",
        table_name="users",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(
        "idx_users_anniversary_date",
        table_name="users",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_table("users")
    op.execute("DROP FUNCTION touch_user")
    op.execute("DROP FUNCTION wait_for_plans")
    op.drop_index("idx_queue_batches_visible", table_name="queue_batches")
    op.drop_table("queue_batches")
    op.drop_index("idx_message_attempts_scheduled_time", table_name="message_attempts")
    op.drop_index("idx_message_attempts_message_id", table_name="message_attempts")
    op.drop_table("message_attempts")
    op.drop_index("idx_job_runs_name", table_name="job_runs")
    op.drop_table("job_runs")
    op.drop_table("inbox_messages")
    op.drop_table("idempotency_keys")
