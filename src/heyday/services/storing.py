"""Store many people at once, and plan them, in one transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from heyday.domain.people import FIELDS
from heyday.domain.people_tables import PersonFields, StoredPerson
from heyday.domain.ports import Session
from heyday.services.planning import Planner


async def store_people(
    session: Session,
    planner: Planner,
    people: Sequence[PersonFields],
    now: datetime,
    columns: Collection[str] = FIELDS,
) -> frozenset[UUID]:
    """Store people by address, each address once, with their plans; return the ids of the new.

    columns: the fields that were given; who is there already keeps what is stored in the others.
    Who is there unchanged is left alone.   Before it, see to the partitions (Planner.prepare).
    """
    stored = await session.users.upsert_many(people, now, columns)
    new = [person for person in stored if person.is_new]
    changed = [person for person in stored if not person.is_new]
    near = planner.month_days_near(now)
    if soon := [person for person in new if not near.isdisjoint(person.month_days)]:
        await planner.plan_new(session, _ids(soon), _zones(soon), now)
    if soon := [person for person in changed if not near.isdisjoint(person.month_days)]:
        await planner.replan(session, _ids(soon), _zones(soon), now)
    # Whose day is not near by now may have something planned for the one that they had.
    if later := [person for person in changed if near.isdisjoint(person.month_days)]:
        await planner.cancel(session, _ids(later), now)
    return frozenset(person.id for person in new)


def _ids(people: Sequence[StoredPerson]) -> list[UUID]:
    return [person.id for person in people]


def _zones(people: Sequence[StoredPerson]) -> set[str]:
    return {person.timezone for person in people}
