"""Store many people at once, and plan them, in one transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime

from heyday.domain.people import FIELDS
from heyday.domain.people_tables import PersonFields, StoredPeople
from heyday.domain.ports import Session
from heyday.services.planning import Planner


async def store_people(
    session: Session,
    planner: Planner,
    people: Sequence[PersonFields],
    now: datetime,
    columns: Collection[str] = FIELDS,
) -> StoredPeople:
    """Store people by address, each address once, with their plans; return who is new or changed.

    columns: the fields that were given; who is there already keeps what is stored in the others.
    Who is there unchanged is left alone.   Before it, see to the partitions (Planner.prepare).
    """
    stored = await session.users.upsert_many(people, now, columns, planner.month_days_near(now))
    if stored.new_near:
        await planner.plan_new(session, stored.new_near, stored.new_zones, now)
    if stored.changed_near:
        await planner.replan(session, stored.changed_near, stored.changed_zones, now)
    # Whose day is not near by now may have something planned for the one that they had.
    if stored.changed_others:
        await planner.cancel(session, stored.changed_others, now)
    return stored
