"""One person whole, deleted or not, and how their edits moved what comes next."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from heyday.db.cases import CaseRepository
from heyday.db.privacy import PrivacyRepository
from heyday.db.profiles import ProfileRepository
from heyday.domain.errors import Changed, NotFound
from heyday.domain.profile_ports import Headcount
from heyday.services.edits import EditService, Shift
from heyday.services.explaining import ExplanationService
from heyday.services.privacy import PrivacyService
from heyday.services.profiles import COUNTED_UP_TO, ProfileService
from tests.factories import SEALS, Pipeline, person, timezones_of

TOKYO = {"timezone": "Asia/Tokyo", "birthday_date": "1990-01-15"}


@pytest.fixture
def profiles(pipeline: Pipeline) -> ProfileService:
    """What shows people."""
    return ProfileService(ProfileRepository(pipeline.database))


@pytest.fixture
def edits(pipeline: Pipeline) -> EditService:
    """What changes people, and compares."""
    cases = CaseRepository(pipeline.database)
    explanations = ExplanationService(cases, timezones_of(), pipeline.clock, timedelta(hours=48))
    return EditService(pipeline.users, explanations)


async def test_a_person_is_shown_deleted_or_not_until_they_are_erased(
    pipeline: Pipeline, profiles: ProfileService
) -> None:
    ada = await pipeline.create()
    assert await profiles.get(ada.id) == ada
    await pipeline.users.delete(ada.id)
    assert (await profiles.get(ada.id)).deleted_at
    privacy = PrivacyService(PrivacyRepository(pipeline.database, SEALS), pipeline.clock)
    await privacy.erase(ada.id)
    for missing in (ada.id, uuid4()):
        with pytest.raises(NotFound):
            await profiles.get(missing)


async def test_greetings_of_one_instant_are_paged_without_loss(
    pipeline: Pipeline, profiles: ProfileService
) -> None:
    ada = await pipeline.create(birthday_date="1990-01-15", anniversary_date="2015-01-15")
    bob = await pipeline.create(birthday_date="1990-01-15")
    seen: list[UUID] = []
    for _ in range(3):
        page = await profiles.list_greetings(ada.id, seen[-1] if seen else None, 1)
        seen += [row.id for row in page]
    assert len(seen) == len(set(seen)) == 2
    (foreign,) = await profiles.list_greetings(bob.id, None, 5)
    assert await profiles.list_greetings(ada.id, foreign.id, 5) == []


async def test_few_are_counted_and_many_estimated(
    pipeline: Pipeline, profiles: ProfileService
) -> None:
    gone = await pipeline.create()
    await pipeline.create()
    await pipeline.users.delete(gone.id)
    assert await profiles.estimate() == Headcount(1, is_estimate=False)
    await pipeline.execute(
        "INSERT INTO users (first_name, last_name, email, timezone) "
        "SELECT 'A', 'B', n || '@example.com', 'UTC' FROM generate_series(1, 1500) n"
    )
    # Without statistics it is at least known that they are more.
    found = await profiles.estimate()
    assert found.is_estimate
    assert found.people > COUNTED_UP_TO
    await pipeline.execute("ANALYZE users")
    assert await profiles.estimate() == Headcount(1501, is_estimate=True)


async def test_an_edit_tells_what_it_moved(pipeline: Pipeline, edits: EditService) -> None:
    user = await pipeline.create(**TOKYO)
    fields = person(email=user.email, **TOKYO | {"timezone": "Europe/Berlin"})
    edited = await edits.replace(user.id, fields, [user.version])
    at = datetime(2027, 1, 15, tzinfo=UTC)
    moved = Shift("BIRTHDAY", at, "Asia/Tokyo", at.replace(hour=8), "Europe/Berlin")
    assert edited.shifts == [moved]
    assert edited.user == await pipeline.users.get(user.id)
    again = await edits.replace(user.id, fields, [edited.user.version])
    assert again.shifts == []


async def test_an_edit_of_another_state_moves_nothing(
    pipeline: Pipeline, edits: EditService
) -> None:
    user = await pipeline.create(**TOKYO)
    await pipeline.users.patch(user.id, {"first_name": "Augusta"})
    with pytest.raises(Changed):
        await edits.replace(user.id, person(), [user.version])
    assert (await pipeline.users.get(user.id)).timezone == "Asia/Tokyo"
    with pytest.raises(NotFound):
        await edits.replace(uuid4(), person())
