"""Declare the schema. Migrations are generated from these tables, and a test holds both together.

Triggers, functions and partitions stand in the migrations and in db/partitions.py: SQLAlchemy has
no words for them. docs/database.md explains each column.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from heyday.db.day_tables import declare_day_tables
from heyday.db.event_tables import declare_event_tables
from heyday.db.habit_tables import declare_habit_tables
from heyday.db.import_tables import declare_import_tables
from heyday.db.inbox_table import declare_inbox_table
from heyday.db.restore_table import declare_restore_table
from heyday.db.session_tables import declare_session_tables
from heyday.db.text_tables import declare_text_tables
from heyday.domain.access import NAME_LENGTH, Scope
from heyday.domain.locales import LOCALE_LENGTH, TAG_PATTERN
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.suppressions import Reason
from heyday.domain.transitions import Status

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


_STATUSES = _quoted([status.value for status in Status])
_TYPES = _quoted([message_type.name for message_type in MESSAGE_TYPES])
# What indexes know of a status. No index knows it itself: a claim then changes nothing that an
# index holds, and costs none of them an entry. With the casts that PostgreSQL shows it with.
_STAGE = (
    "CASE status WHEN 'SCHEDULED'::text THEN 'PLANNED'::character varying "
    "WHEN 'RETRYING'::text THEN 'PLANNED'::character varying "
    "WHEN 'QUEUED'::text THEN 'LEAVING'::character varying "
    "WHEN 'SENDING'::text THEN 'LEAVING'::character varying ELSE status END"
)
_SCOPES = _quoted([scope.value for scope in Scope])


def _instant(name: str, *, default_now: bool = False, null: bool = True) -> Column[object]:
    default = func.now() if default_now else None
    return Column(
        name, DateTime(timezone=True), nullable=null and not default_now, server_default=default
    )


def _month_day(name: str, source: str) -> Column[object]:
    """Return month * 100 + day of a date column: what planning joins on."""
    rule = f"(extract(month FROM {source}) * 100 + extract(day FROM {source}))::smallint"
    return Column(name, SmallInteger, Computed(rule, persisted=True))


def _prefixes(name: str, expression: str, *, unique: bool = False) -> Index:
    """Return an index of live people by how something begins, in whatever locale."""
    return Index(
        name,
        literal_column(expression).label("begins"),
        unique=unique,
        postgresql_ops={"begins": "text_pattern_ops"},
        postgresql_where=text("deleted_at IS NULL"),
    )


# As PostgreSQL writes it, so that Alembic finds it the same.
_NAME = "(first_name::text || ' '::text) || last_name::text"

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("first_name", String(100), nullable=False),
    Column("last_name", String(100), nullable=False),
    Column("email", String(255), nullable=False),
    Column("timezone", String(100), nullable=False),
    Column("birthday_date", Date),
    Column("anniversary_date", Date),
    Column("location_city", String(100)),
    Column("location_country", String(100)),
    _instant("created_at", default_now=True),
    _instant("updated_at", default_now=True),
    _instant("deleted_at"),
    _instant("unsubscribed_at"),
    _instant("eligible_since", default_now=True),
    _instant("dates_changed_at"),
    _month_day("birthday_month_day", "birthday_date"),
    _month_day("anniversary_month_day", "anniversary_date"),
    *(_instant(message_type.unsubscribed_column) for message_type in MESSAGE_TYPES),
    _instant("erased_at"),
    Column("locale", String(LOCALE_LENGTH)),
    CheckConstraint("length(first_name) > 0 AND length(last_name) > 0", name="names"),
    CheckConstraint("position('@' IN email) > 1", name="email"),
    CheckConstraint("timezone ~ '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$'", name="timezone"),
    CheckConstraint(f"locale ~ '{TAG_PATTERN}'", name="locale"),
    Index("idx_users_birthday_date", "birthday_date", postgresql_where=text("deleted_at IS NULL")),
    Index(
        "idx_users_anniversary_date",
        "anniversary_date",
        "timezone",
        "unsubscribed_at",
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index(
        "idx_users_birthday_timezone",
        "birthday_month_day",
        "timezone",
        "unsubscribed_at",
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index(
        "idx_users_anniversary_timezone",
        "anniversary_month_day",
        "timezone",
        "unsubscribed_at",
        postgresql_where=text("deleted_at IS NULL"),
    ),
    *(
        Index(
            f"idx_users_{message_type.unsubscribed_column.removesuffix('_at')}",
            message_type.month_day_column,
            "timezone",
            postgresql_where=text(f"{message_type.unsubscribed_column} IS NOT NULL"),
        )
        for message_type in MESSAGE_TYPES
    ),
    _prefixes("idx_users_email_unique", "lower(email)", unique=True),
    Index("idx_users_timezone", "timezone", "id", postgresql_where=text("deleted_at IS NULL")),
    Index(
        "idx_users_locale",
        "locale",
        "id",
        postgresql_where=text("locale IS NOT NULL AND deleted_at IS NULL"),
    ),
    _prefixes("idx_users_name_prefix", f"lower({_NAME})"),
    _prefixes("idx_users_last_name_prefix", "lower(last_name)"),
    Index("idx_users_deleted", "id", postgresql_where=text("deleted_at IS NOT NULL")),
    Index(
        "idx_users_unsubscribed",
        "id",
        postgresql_where=text("unsubscribed_at IS NOT NULL AND deleted_at IS NULL"),
    ),
    Index(
        "idx_users_written",
        "created_at",
        "updated_at",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
    ),
)

message_logs = Table(
    "message_logs",
    metadata,
    Column("id", Uuid, nullable=False, server_default=func.gen_random_uuid()),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("message_type", String(20), nullable=False),
    Column("delivery_date", Date, nullable=False),
    Column("scheduled_send_time", DateTime(timezone=True), nullable=False),
    Column("actual_send_time", DateTime(timezone=True)),
    Column("status", String(20), nullable=False, server_default=Status.SCHEDULED.value),
    Column("retry_count", SmallInteger, nullable=False, server_default=text("0")),
    Column("ambiguous_count", SmallInteger, nullable=False, server_default=text("0")),
    Column("epoch", Integer, nullable=False, server_default=text("0")),
    Column("idempotency_key", String(100), nullable=False),
    Column("message_content", Text, nullable=False),
    Column("occasion_date", Date, nullable=False),
    Column("timezone", String(100), nullable=False),
    Column("tzdb_version", String(20), nullable=False),
    _instant("queued_at"),
    _instant("lease_until"),
    _instant("next_attempt_at"),
    _instant("ambiguous_since"),
    Column("api_response_code", SmallInteger),
    Column("api_response_body", Text),
    Column("error_message", Text),
    Column("provider_message_id", Text),
    _instant("created_at", default_now=True),
    Column("sender", String(20)),
    Column("stage", String(20), Computed(_STAGE, persisted=True), nullable=False),
    Column("message_subject", Text, nullable=False, server_default=text("''")),
    Column("message_html", Text),
    Column("language", String(LOCALE_LENGTH), nullable=False, server_default="en"),
    Column("spread", SmallInteger),
    PrimaryKeyConstraint("id", "scheduled_send_time"),
    CheckConstraint(f"status IN ({_STATUSES})", name="status"),
    CheckConstraint(f"message_type IN ({_TYPES})", name="message_type"),
    CheckConstraint("retry_count >= 0 AND ambiguous_count >= 0", name="retry_count"),
    CheckConstraint("status <> 'SENDING' OR lease_until IS NOT NULL", name="lease"),
    Index("idx_message_logs_user_id", "user_id"),
    Index(
        "idx_message_logs_status",
        "stage",
        "scheduled_send_time",
        "id",
        postgresql_where=text("stage NOT IN ('PLANNED', 'LEAVING', 'SENT')"),
    ),
    Index("idx_message_logs_scheduled_time", "scheduled_send_time", "id"),
    Index(
        "idx_message_logs_scheduler",
        "scheduled_send_time",
        "id",
        postgresql_where=text("stage = 'PLANNED'"),
    ),
    Index(
        "idx_message_logs_recovery",
        "scheduled_send_time",
        "id",
        postgresql_where=text("stage = 'LEAVING'"),
    ),
    Index("idx_message_logs_idempotency", "idempotency_key", "scheduled_send_time", unique=True),
    postgresql_partition_by="RANGE (scheduled_send_time)",
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("delivery_date", Date, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("message_type", String(20), nullable=False),
    PrimaryKeyConstraint("delivery_date", "user_id", "message_type"),
    postgresql_partition_by="RANGE (delivery_date)",
)

message_attempts = Table(
    "message_attempts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("message_id", Uuid, nullable=False),
    Column("scheduled_send_time", DateTime(timezone=True), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    _instant("finished_at", null=False),
    Column("api_response_code", SmallInteger),
    Column("error_message", Text),
    Column("sender", String(20)),
    CheckConstraint("attempt >= 1", name="attempt"),
    Index("idx_message_attempts_message_id", "message_id"),
    Index("idx_message_attempts_scheduled_time", "scheduled_send_time"),
)

job_runs = Table(
    "job_runs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", String(40), nullable=False),
    _instant("started_at", null=False),
    _instant("finished_at"),
    _instant("window_start"),
    _instant("window_end"),
    Column("is_manual", Boolean, nullable=False, server_default=text("false")),
    Column("counts", JSONB, nullable=False, server_default=text("'{}'")),
    Column("error", Text),
    Column("traceparent", String(55)),
    CheckConstraint("window_start <= window_end", name="window"),
    Index("idx_job_runs_name", "name", text("started_at DESC")),
)

queue_batches = Table(
    "queue_batches",
    metadata,
    Column("id", Uuid, primary_key=True),
    _instant("due_at", null=False),
    _instant("first_at", null=False),
    _instant("last_at", null=False),
    Column("message_ids", ARRAY(Uuid), nullable=False),
    Column("delivery_count", Integer, nullable=False, server_default=text("0")),
    _instant("visible_at", null=False),
    Column("traceparent", String(55)),
    CheckConstraint("cardinality(message_ids) > 0", name="message_ids"),
    Index("idx_queue_batches_due", "due_at"),
)

provider_pace = Table(
    "provider_pace",
    metadata,
    Column("provider", String(320), primary_key=True),
    Column("rate", Double),
    Column("tokens", Double, nullable=False),
    _instant("refilled_at", null=False),
    _instant("slowed_at"),
    _instant("blocked_until"),
    CheckConstraint("rate > 0", name="rate"),
)

provider_days = Table(
    "provider_days",
    metadata,
    Column("provider", String(50), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("drawn", BigInteger, nullable=False),
    CheckConstraint("drawn >= 0", name="drawn"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("prefix", String(20), nullable=False, unique=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("name", String(NAME_LENGTH), nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    _instant("created_at", null=False),
    _instant("expires_at"),
    _instant("revoked_at"),
    _instant("last_used_at"),
    CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash"),
    CheckConstraint(
        f"cardinality(scopes) > 0 AND scopes <@ ARRAY[{_SCOPES}]",
        name="scopes",
    ),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("address_hmac", LargeBinary, nullable=False),
    Column("message_type", String(20)),
    Column("reason", String(20), nullable=False),
    _instant("created_at", null=False),
    CheckConstraint(f"reason IN ({_quoted([str(reason) for reason in Reason])})", name="reason"),
    CheckConstraint("octet_length(address_hmac) = 32", name="address_hmac"),
    Index(
        "idx_suppressions_address",
        "address_hmac",
        "message_type",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", LargeBinary, nullable=False),
    _instant("created_at", default_now=True),
)

declare_inbox_table(metadata)
declare_import_tables(metadata)
declare_habit_tables(metadata)
declare_text_tables(metadata)
declare_event_tables(metadata)
declare_session_tables(metadata)
declare_day_tables(metadata)
declare_restore_table(metadata)
