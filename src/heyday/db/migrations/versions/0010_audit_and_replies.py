"""Keep an audit log, and the replies of writes that may be repeated.

Safe while Heyday runs: two new tables, and triggers on `users`. To create these, writers of people
wait until the migration commits; all of it takes well under a second, however many people there
are.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {
    "api_keys": "SHARE ROW EXCLUSIVE",  # pragma: allowlist secret
    "users": "SHARE ROW EXCLUSIVE",
}

# Whose deed it is: what Heyday gave at the BEGIN of the transaction, else the role alone. A role
# may give what it likes, so who it was is kept beside it (session_user stays what it was where
# current_user is the owner of the function).
_ADD_FUNCTION = """
CREATE FUNCTION add_to_audit_log(deed_done text, subjects uuid[], changed text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    deed jsonb := nullif(current_setting('heyday.deed', true), '');
BEGIN
    INSERT INTO audit_log (actor_kind, actor_id, actor_name, sql_role, action, subject_ids, fields,
                           address, request_id)
    VALUES (coalesce(deed ->> 'kind', 'sql'), (deed ->> 'id')::uuid,
            coalesce(deed ->> 'name', session_user), session_user,
            coalesce(deed ->> 'action', deed_done), subjects, coalesce(changed, '{}'),
            (deed ->> 'address')::inet, deed ->> 'request_id');
    PERFORM set_config('heyday.is_noted', 'on', true);
END
$$
"""

# At the end of a deed's transaction: what no trigger has noted.
_NOTE_FUNCTION = """
CREATE FUNCTION note_deed(subjects uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
    IF current_setting('heyday.is_noted', true) IS DISTINCT FROM 'on' THEN
        PERFORM add_to_audit_log('deed', subjects, NULL);
    END IF;
END
$$
"""

# One line a statement, and 10,000 people. Without nested loops: the plan of the join is kept from
# the first statement of a session, which may have changed one person and the next one a million.
_PEOPLE_FUNCTION = """
CREATE FUNCTION note_people() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp SET enable_nestloop = off
AS $$
DECLARE
    ids uuid[];
    changed text[];
    deed_done text := 'people.' || lower(TG_OP);
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(id) INTO ids FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(id) INTO ids FROM old_rows;
    ELSIF TG_OP = 'UPDATE' THEN
        SELECT array_agg(n.id), array_remove(ARRAY[{fields}], NULL) INTO ids, changed
        FROM new_rows n LEFT JOIN old_rows o ON o.id = n.id;
    ELSE
        PERFORM add_to_audit_log(deed_done, '{{}}', NULL);
    END IF;
    IF cardinality(ids) <= 10000 THEN
        PERFORM add_to_audit_log(deed_done, ids, changed);
    ELSIF cardinality(ids) > 10000 THEN
        FOR start IN 1 .. cardinality(ids) BY 10000 LOOP
            PERFORM add_to_audit_log(deed_done, ids[start : start + 9999], changed);
        END LOOP;
    END IF;
    RETURN NULL;
END
$$
"""
# Who may do what: whatever changes it, but for the note of a key's last use.
_KEYS_FUNCTION = """
CREATE FUNCTION note_keys() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
    PERFORM add_to_audit_log('keys.' || lower(TG_OP), '{{}}', NULL);
    RETURN NULL;
END
$$
"""
_KEYS_TRIGGER = """
CREATE TRIGGER note_keys
AFTER INSERT OR DELETE OR TRUNCATE
    OR UPDATE OF id, prefix, secret_hash, name, scopes, created_at, expires_at, revoked_at
ON api_keys FOR EACH STATEMENT EXECUTE FUNCTION note_keys()
"""
_FIELDS = (
    "first_name",
    "last_name",
    "email",
    "timezone",
    "birthday_date",
    "anniversary_date",
    "location_city",
    "location_country",
    "deleted_at",
    "unsubscribed_at",
)
_TRIGGERS = {
    "INSERT": "REFERENCING NEW TABLE AS new_rows",
    "UPDATE": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "REFERENCING OLD TABLE AS old_rows",
    "TRUNCATE": "",
}
_FUNCTIONS = (
    "note_people()",
    "note_keys()",
    "note_deed(uuid[])",
    "add_to_audit_log(text, uuid[], text[])",
)


def upgrade() -> None:
    """Go one version up."""
    _create_audit_log()
    _create_api_replies()
    schema = op.get_bind().scalar(sa.text("SELECT quote_ident(current_schema())"))
    changed = ", ".join(
        f"CASE WHEN bool_or(n.{name} IS DISTINCT FROM o.{name}) THEN '{name}' END"
        for name in _FIELDS
    )
    op.execute(_ADD_FUNCTION)
    for function in (_NOTE_FUNCTION, _PEOPLE_FUNCTION, _KEYS_FUNCTION):
        op.execute(function.format(schema=schema, fields=changed))
    # Nobody but the owner writes lines of their own making.
    op.execute("REVOKE EXECUTE ON FUNCTION note_deed(uuid[]) FROM PUBLIC")
    for event, rows in _TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER note_people_{event.lower()} AFTER {event} ON users {rows} "
            "FOR EACH STATEMENT EXECUTE FUNCTION note_people()"
        )
    op.execute(_KEYS_TRIGGER)


def _create_audit_log() -> None:
    op.execute("CREATE SEQUENCE audit_log_id_seq")
    op.create_table(
        "audit_log",
        sa.Column(
            "id",
            sa.BigInteger(),
            server_default=sa.text("nextval('audit_log_id_seq'::regclass)"),
            nullable=False,
        ),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(length=100), nullable=False),
        sa.Column("sql_role", sa.String(length=63), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("fields", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", "at", name=op.f("pk_audit_log")),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index(
        "idx_audit_log_subjects",
        "audit_log",
        ["subject_ids"],
        postgresql_using="gin",
        postgresql_where=sa.text("cardinality(subject_ids) <= 200"),
    )
    op.create_index(
        "idx_audit_log_groups",
        "audit_log",
        ["id"],
        postgresql_where=sa.text("cardinality(subject_ids) > 200"),
    )
    op.create_index("idx_audit_log_actor", "audit_log", ["actor_id", "id"])
    # Ids are chance, which nothing compresses.
    op.execute("ALTER TABLE audit_log ALTER COLUMN subject_ids SET STORAGE EXTERNAL")
    # What comes while a month has no partition of its own: no write waits for one.
    op.execute("CREATE TABLE audit_log_default PARTITION OF audit_log DEFAULT")


def _create_api_replies() -> None:
    op.create_table(
        "api_replies",
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column(
            "subject_ids", sa.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "idempotency_key", name=op.f("pk_api_replies")),
    )
    op.create_index("idx_api_replies_created_at", "api_replies", ["created_at"])


def downgrade() -> None:
    """Go one version down."""
    for event in _TRIGGERS:
        op.execute(f"DROP TRIGGER note_people_{event.lower()} ON users")
    op.execute("DROP TRIGGER note_keys ON api_keys")
    for signature in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_table("api_replies")
    op.drop_table("audit_log")
    op.execute("DROP SEQUENCE audit_log_id_seq")
