"""Store many people at once, and plan them, in one transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from heyday.domain.models import PersonDraft
from heyday.domain.people import FIELDS
from heyday.domain.ports import Session
from heyday.services.planning import Planner


async def store_people(
    session: Session,
    planner: Planner,
    people: Sequence[PersonDraft],
    now: datetime,
    columns: Collection[str] = FIELDS,
) -> frozenset[UUID]:
    """Store people by address, each address once, with their plans; return the ids of the new.

    columns: the fields that were given; who is there already keeps what is stored in the others.
    Who is there unchanged is left alone.   Before it, see to the partitions (Planner.prepare).
    """
    zones = {person.timezone for person in people}
    changes = await session.users.upsert_many(people, now, columns)
    new = [user_id for user_id, is_new in changes if is_new]
    changed = [user_id for user_id, is_new in changes if not is_new]
    if new:
        await planner.plan_new(session, new, zones, now)
    if changed:
        await planner.replan(session, changed, zones, now)
    return frozenset(new)
