"""Let people leave one kind of greeting, and remember addresses that want none.

New columns without a default change no row. The two indexes are empty at first; to build them
`users` is read twice, some seconds for ten million people, for which writes to it wait.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"users": "ACCESS EXCLUSIVE"}
whole = ("users",)

_TYPES = ("birthday", "anniversary")

# As in 0002; presence now has a part for each message type. {presence}: its columns, twice.
_TOUCH = """
CREATE OR REPLACE FUNCTION touch_user() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_new_birthday boolean :=
        (date_part('month', NEW.birthday_date), date_part('day', NEW.birthday_date))
        IS DISTINCT FROM
        (date_part('month', OLD.birthday_date), date_part('day', OLD.birthday_date));
    is_new_anniversary boolean :=
        (date_part('month', NEW.anniversary_date), date_part('day', NEW.anniversary_date))
        IS DISTINCT FROM
        (date_part('month', OLD.anniversary_date), date_part('day', OLD.anniversary_date));
BEGIN
    IF NEW.updated_at = OLD.updated_at THEN
        NEW.updated_at := now();
    END IF;
    IF NEW.eligible_since = OLD.eligible_since
       AND (is_new_birthday OR is_new_anniversary
            OR ({new}) IS DISTINCT FROM ({old}))
    THEN
        NEW.eligible_since := now();
    END IF;
    IF is_new_birthday AND OLD.birthday_date IS NOT NULL
       OR is_new_anniversary AND OLD.anniversary_date IS NOT NULL
    THEN
        NEW.dates_changed_at := greatest(now(), NEW.updated_at);
    END IF;
    RETURN NEW;
END
$$
"""


# Where note_people names the fields that changed: behind the last that it knows.
_LAST_FIELD = (
    "CASE WHEN bool_or(n.unsubscribed_at IS DISTINCT FROM o.unsubscribed_at) "
    "THEN 'unsubscribed_at' END"
)
_OWN_FIELDS = "".join(
    f", CASE WHEN bool_or(n.{name}_unsubscribed_at IS DISTINCT FROM o.{name}_unsubscribed_at) "
    f"THEN '{name}_unsubscribed_at' END"
    for name in _TYPES
)


def upgrade() -> None:
    """Go one version up."""
    instant = sa.DateTime(timezone=True)
    for name in _TYPES:
        op.add_column("users", sa.Column(f"{name}_unsubscribed_at", instant))
    op.add_column("users", sa.Column("erased_at", instant))
    for name in _TYPES:
        op.create_index(
            f"idx_users_{name}_unsubscribed",
            "users",
            [f"{name}_month_day", "timezone"],
            postgresql_where=sa.text(f"{name}_unsubscribed_at IS NOT NULL"),
        )
    _touch("deleted_at", "unsubscribed_at", *(f"{name}_unsubscribed_at" for name in _TYPES))
    _name_in_audit_log(_LAST_FIELD, _LAST_FIELD + _OWN_FIELDS)
    _create_suppressions(instant)
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )


def downgrade() -> None:
    """Go one version down."""
    op.drop_table("secrets")
    op.drop_table("suppressions")
    _name_in_audit_log(_LAST_FIELD + _OWN_FIELDS, _LAST_FIELD)
    _touch("deleted_at", "unsubscribed_at")
    op.drop_column("users", "erased_at")
    for name in _TYPES:
        op.drop_column("users", f"{name}_unsubscribed_at")


def _create_suppressions(instant: sa.DateTime) -> None:
    op.create_table(
        "suppressions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("address_hmac", sa.LargeBinary(), nullable=False),
        sa.Column("message_type", sa.String(20)),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        sa.CheckConstraint(
            "reason IN ('unsubscribed', 'erased')", name=op.f("ck_suppressions_reason")
        ),
        sa.CheckConstraint(
            "octet_length(address_hmac) = 32", name=op.f("ck_suppressions_address_hmac")
        ),
    )
    op.create_index(
        "idx_suppressions_address",
        "suppressions",
        ["address_hmac", "message_type"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def _name_in_audit_log(known: str, wanted: str) -> None:
    """Have the audit log name other fields of people that changed."""
    find = "SELECT pg_get_functiondef('note_people()'::regprocedure)"
    function: str = op.get_bind().scalar(sa.text(find))
    op.get_bind().exec_driver_sql(function.replace(known, wanted))


def _touch(*presence: str) -> None:
    new, old = (", ".join(f"{row}.{name}" for name in presence) for row in ("NEW", "OLD"))
    op.execute(_TOUCH.replace("{new}", new).replace("{old}", old))
