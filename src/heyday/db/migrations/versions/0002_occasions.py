"""Remember when a date was changed, and let a new zone void nothing that is owed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"

# What SQL changes counts as if Heyday had changed it. A day of the year or a presence that is new
# makes a person eligible from now on: what lay before is not owed. A new zone does not, nor does
# another year: the same day was theirs before. Heyday itself sets eligible_since;
# dates_changed_at is set here for all.
TOUCH_FUNCTION = """
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
            OR (NEW.deleted_at, NEW.unsubscribed_at)
               IS DISTINCT FROM (OLD.deleted_at, OLD.unsubscribed_at))
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

FORMER_TOUCH_FUNCTION = """
CREATE OR REPLACE FUNCTION touch_user() RETURNS trigger LANGUAGE plpgsql AS $$
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

branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
locks = {"users": "ACCESS EXCLUSIVE"}


def upgrade() -> None:
    """Go one version up."""
    op.add_column("users", sa.Column("dates_changed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(TOUCH_FUNCTION)


def downgrade() -> None:
    """Go one version down."""
    op.execute(FORMER_TOUCH_FUNCTION)
    op.drop_column("users", "dates_changed_at")
