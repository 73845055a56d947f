"""Let people have a language, companies their own texts, and greetings a subject and HTML.

New columns whose default the catalogue holds change no row. `users` is read twice, for the check
and the index, some seconds for ten million people, for which writes to it wait.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"message_logs": "ACCESS EXCLUSIVE", "users": "ACCESS EXCLUSIVE"}
whole = ("users",)

_PATIENCE = "SET LOCAL lock_timeout = '10s'"
_TAG = "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*$"
_TYPES = "message_type IN ('BIRTHDAY', 'ANNIVERSARY')"

# Where note_people names the fields that changed: behind one that it knows.
_KNOWN_FIELD = (
    "CASE WHEN bool_or(n.location_country IS DISTINCT FROM o.location_country) "
    "THEN 'location_country' END"
)
_LOCALE_FIELD = ", CASE WHEN bool_or(n.locale IS DISTINCT FROM o.locale) THEN 'locale' END"

# Whoever changes a text, Heyday or SQL, gives it another version: planners go by that.
_TOUCH_FUNCTION = """
CREATE FUNCTION touch_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := nextval('message_texts_version_seq');
    IF NEW.updated_at = OLD.updated_at THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END
$$
"""
_TOUCH_TRIGGER = """
CREATE TRIGGER touch_text BEFORE UPDATE ON message_texts
FOR EACH ROW EXECUTE FUNCTION touch_text()
"""
_NOTE_FUNCTION = """
CREATE FUNCTION note_texts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
    PERFORM add_to_audit_log('texts.' || lower(TG_OP), '{{}}', NULL);
    RETURN NULL;
END
$$
"""
# By row, as INSERT ... ON CONFLICT is both, of which only one has a row.
_NOTE_TRIGGERS = (
    """
CREATE TRIGGER note_texts AFTER INSERT OR UPDATE OR DELETE ON message_texts
FOR EACH ROW EXECUTE FUNCTION note_texts()
""",
    """
CREATE TRIGGER note_texts_truncate AFTER TRUNCATE ON message_texts
FOR EACH STATEMENT EXECUTE FUNCTION note_texts()
""",
)


def upgrade() -> None:
    """Go one version up."""
    op.add_column("users", sa.Column("locale", sa.String(35)))
    op.create_check_constraint(op.f("ck_users_locale"), "users", f"locale ~ '{_TAG}'")
    op.create_index(
        "idx_users_locale",
        "users",
        ["locale", "id"],
        postgresql_where=sa.text("locale IS NOT NULL AND deleted_at IS NULL"),
    )
    _name_in_audit_log(_KNOWN_FIELD, _KNOWN_FIELD + _LOCALE_FIELD)
    op.add_column(
        "message_logs",
        sa.Column("message_subject", sa.Text(), server_default=sa.text("''"), nullable=False),
    )
    op.add_column("message_logs", sa.Column("message_html", sa.Text()))
    op.add_column(
        "message_logs",
        sa.Column("language", sa.String(35), server_default="en", nullable=False),
    )
    _create_texts()


def downgrade() -> None:
    """Go one version down."""
    op.execute(_PATIENCE)
    op.drop_table("message_texts")
    op.execute("DROP SEQUENCE message_texts_version_seq")
    op.execute("DROP FUNCTION note_texts()")
    op.execute("DROP FUNCTION touch_text()")
    for column in ("language", "message_html", "message_subject"):
        op.drop_column("message_logs", column)
    _name_in_audit_log(_KNOWN_FIELD + _LOCALE_FIELD, _KNOWN_FIELD)
    op.drop_column("users", "locale")


def _create_texts() -> None:
    op.execute("CREATE SEQUENCE message_texts_version_seq")
    op.create_table(
        "message_texts",
        sa.Column("message_type", sa.String(20), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text()),
        sa.Column(
            "version",
            sa.BigInteger(),
            server_default=sa.text("nextval('message_texts_version_seq'::regclass)"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("message_type", "language", name=op.f("pk_message_texts")),
        sa.CheckConstraint(_TYPES, name=op.f("ck_message_texts_message_type")),
        sa.CheckConstraint(f"language ~ '{_TAG}'", name=op.f("ck_message_texts_language")),
    )
    schema = op.get_bind().scalar(sa.text("SELECT quote_ident(current_schema())"))
    op.execute(_TOUCH_FUNCTION)
    op.execute(_TOUCH_TRIGGER)
    op.execute(_NOTE_FUNCTION.format(schema=schema))
    for trigger in _NOTE_TRIGGERS:
        op.execute(trigger)


def _name_in_audit_log(known: str, wanted: str) -> None:
    """Have the audit log name other fields of people that changed."""
    find = "SELECT pg_get_functiondef('note_people()'::regprocedure)"
    function: str = op.get_bind().scalar(sa.text(find))
    op.get_bind().exec_driver_sql(function.replace(known, wanted))
