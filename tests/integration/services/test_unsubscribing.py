"""Who leaves one kind of greeting, or all, gets none of it, whatever is under way."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from heyday.db.cases import CaseRepository
from heyday.domain.errors import NotFound, UnknownLink
from heyday.domain.models import User
from heyday.domain.sealing import LinkSubject, Seals
from heyday.services.explaining import ExplanationService
from heyday.services.import_rows import Row
from heyday.services.importing import ImportService
from heyday.services.unsubscribing import LinkMaker, UnsubscribeService
from tests.factories import SEALS, Pipeline, person, timezones_of
from tests.fakes import FakeClock, RecordingSender
from tests.integration.services.held import Held, commit_when_blocked
from tests.integration.services.stages import MINUTE, NINE

EVE = datetime(2027, 1, 14, 20, tzinfo=UTC)
BOTH = {"birthday_date": "1990-01-15", "anniversary_date": "2020-01-15"}


async def with_both(pipeline: Pipeline, clock: FakeClock, **fields: object) -> User:
    """A person in London with a birthday and an anniversary tomorrow."""
    clock.set(EVE)
    return await pipeline.create(timezone="Europe/London", **(BOTH | fields))


async def sent_types(pipeline: Pipeline, clock: FakeClock) -> list[str]:
    """Live until nine; return which types were sent."""
    clock.set(NINE)
    before = len(pipeline.sender.sent)
    await pipeline.send_due()
    return sorted(message.message_type for message in pipeline.sender.sent[before:])


@pytest.fixture
def leaving(pipeline: Pipeline, clock: FakeClock) -> UnsubscribeService:
    return UnsubscribeService(pipeline.database, SEALS, pipeline.planner, clock)


def link(user_id: UUID, message_type: str = "BIRTHDAY") -> str:
    token = SEALS.write_link(LinkSubject(user_id, message_type))
    assert token
    return token


# --- One type ---------------------------------------------------------------------------------


async def test_leaving_one_type_cancels_it_and_leaves_the_other_alone(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await with_both(pipeline, clock)
    left = await pipeline.users.unsubscribe(user.id, message_type="BIRTHDAY")
    assert (left.unsubscribed_at, left.unsubscribed_types) == (None, ["BIRTHDAY"])
    rows = {row["message_type"]: row for row in await pipeline.messages(user.id)}
    assert rows["BIRTHDAY"]["status"] == "CANCELLED"
    assert rows["BIRTHDAY"]["error_message"] == "person unsubscribed"
    assert rows["ANNIVERSARY"]["status"] == "SCHEDULED"
    assert await sent_types(pipeline, clock) == ["ANNIVERSARY"]


async def test_who_left_one_type_is_not_planned_for_it_nor_owed_it(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(EVE)
    user_id = await pipeline.insert(timezone="Europe/London", **BOTH, birthday_unsubscribed_at=EVE)
    await pipeline.daily.run_once()
    assert [row["message_type"] for row in await pipeline.messages(user_id)] == ["ANNIVERSARY"]
    clock.set(NINE + MINUTE)
    assert [b.unplanned for b in await pipeline.reconciliation.reconcile()] == [0, 0]


async def test_coming_back_to_one_type_brings_its_greeting_back(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await with_both(pipeline, clock)
    await pipeline.users.unsubscribe(user.id, message_type="BIRTHDAY")
    await pipeline.users.resubscribe(user.id, message_type="BIRTHDAY")
    assert await sent_types(pipeline, clock) == ["ANNIVERSARY", "BIRTHDAY"]


async def test_coming_back_to_one_type_of_all_leaves_the_others_left(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await with_both(pipeline, clock)
    await pipeline.users.unsubscribe(user.id)
    back = await pipeline.users.resubscribe(user.id, message_type="BIRTHDAY")
    assert (back.unsubscribed_at, back.unsubscribed_types) == (None, ["ANNIVERSARY"])
    assert await sent_types(pipeline, clock) == ["BIRTHDAY"]


async def test_coming_back_to_all_takes_back_every_leaving(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await with_both(pipeline, clock)
    await pipeline.users.unsubscribe(user.id, message_type="ANNIVERSARY")
    back = await pipeline.users.resubscribe(user.id)
    assert (back.unsubscribed_at, back.unsubscribed_types) == (None, [])
    assert await sent_types(pipeline, clock) == ["ANNIVERSARY", "BIRTHDAY"]


async def test_leaving_one_type_twice_is_as_once(pipeline: Pipeline, clock: FakeClock) -> None:
    user = await with_both(pipeline, clock)
    once = await pipeline.users.unsubscribe(user.id, message_type="BIRTHDAY")
    clock.advance(MINUTE)
    assert await pipeline.users.unsubscribe(user.id, message_type="BIRTHDAY") == once


async def test_an_sql_leaving_of_one_type_is_found_by_recovery_and_taken_back(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await with_both(pipeline, clock)
    await pipeline.execute("UPDATE users SET birthday_unsubscribed_at = now()")
    assert (await pipeline.recovery.run_once())["cancelled"] == 1
    assert sorted(await pipeline.statuses(user.id)) == ["CANCELLED", "SCHEDULED"]
    await pipeline.execute("UPDATE users SET birthday_unsubscribed_at = NULL")
    assert (await pipeline.recovery.run_once())["retimed"] == 1
    assert await sent_types(pipeline, clock) == ["ANNIVERSARY", "BIRTHDAY"]


async def test_the_claim_waits_for_somebody_who_leaves_by_sql_and_sends_nothing(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    """The claim began before the leaving was committed; what it reads must be newer than that."""
    user = await with_both(pipeline, clock, anniversary_date=None)
    clock.set(NINE)
    await pipeline.minute.run_once()
    async with pipeline.database.connection() as other:
        async with other.transaction():
            await other.execute("UPDATE users SET birthday_unsubscribed_at = now()")
            claiming = asyncio.ensure_future(pipeline.deliver_all())
            await pipeline.wait_until_blocked()
        assert await claiming == 0
    assert await pipeline.statuses(user.id) == ["CANCELLED"]
    assert sender.sent == []


async def test_leaving_by_link_waits_for_the_planner_of_everybody(
    pipeline: Pipeline, held: Held, clock: FakeClock, leaving: UnsubscribeService
) -> None:
    """What a plan for everybody writes at that moment is never sent."""
    user_id = await pipeline.insert(timezone="Europe/London", birthday_date="1990-01-15")
    planning = await held.plan()
    await leaving.follow(link(user_id))
    held.store.may_commit.set()
    await planning
    assert await sent_types(pipeline, clock) == []
    assert await pipeline.statuses(user_id) == ["CANCELLED"]


async def test_an_explanation_names_the_type_that_was_left(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await with_both(pipeline, clock)
    await pipeline.users.unsubscribe(user.id, message_type="BIRTHDAY")
    service = ExplanationService(
        CaseRepository(pipeline.database), timezones_of(), clock, pipeline.planner.horizon
    )
    birthday, anniversary = (await service.explain(str(user.id))).explanations
    assert "Unsubscribed from BIRTHDAY greetings on 2027-01-14" in birthday.summary
    assert anniversary.send_at == NINE


# --- Links ------------------------------------------------------------------------------------


async def test_a_link_leaves_its_own_type(
    pipeline: Pipeline, clock: FakeClock, leaving: UnsubscribeService
) -> None:
    user = await with_both(pipeline, clock)
    subject = await leaving.follow(link(user.id, "ANNIVERSARY"))
    assert subject == LinkSubject(user.id, "ANNIVERSARY")
    assert (await pipeline.users.get(user.id)).unsubscribed_types == ["ANNIVERSARY"]
    assert await sent_types(pipeline, clock) == ["BIRTHDAY"]


async def test_a_link_leaves_all_if_asked(
    pipeline: Pipeline, clock: FakeClock, leaving: UnsubscribeService
) -> None:
    user = await with_both(pipeline, clock)
    await leaving.follow(link(user.id), is_for_all=True)
    assert (await pipeline.users.get(user.id)).unsubscribed_at == EVE
    assert await sent_types(pipeline, clock) == []


async def test_a_link_of_a_deleted_person_leaves_for_whoever_has_the_address_now(
    pipeline: Pipeline, clock: FakeClock, leaving: UnsubscribeService
) -> None:
    """A company may delete and bring a person again; the letter has the link of the first row."""
    former = await with_both(pipeline, clock, email="ada@example.com")
    await pipeline.users.delete(former.id)
    now = await with_both(pipeline, clock, email="Ada@Example.com")
    await leaving.follow(link(former.id))
    assert (await pipeline.users.get(now.id)).unsubscribed_types == ["BIRTHDAY"]
    assert await sent_types(pipeline, clock) == ["ANNIVERSARY"]


async def test_a_link_may_be_followed_twice_and_of_nobody(
    pipeline: Pipeline, clock: FakeClock, leaving: UnsubscribeService
) -> None:
    user = await with_both(pipeline, clock)
    await leaving.follow(link(user.id))
    await leaving.follow(link(user.id))
    await leaving.follow(link(UUID(int=7)))
    assert await pipeline.value("SELECT count(*) FROM suppressions") == 1


@pytest.mark.parametrize("message_type", ["", "NAME_DAY"])
async def test_a_link_of_an_unknown_type_or_secret_is_none(
    leaving: UnsubscribeService, message_type: str
) -> None:
    with pytest.raises(UnknownLink):
        await leaving.follow(link(UUID(int=7), message_type))
    foreign = Seals((b"another secret, but as long as ours",)).write_link(
        LinkSubject(UUID(int=7), "BIRTHDAY")
    )
    with pytest.raises(UnknownLink):
        await leaving.follow(foreign or "")


def test_a_link_begins_with_where_people_reach_the_api() -> None:
    subject = LinkSubject(UUID(int=7), "BIRTHDAY")
    made = LinkMaker(SEALS, "https://hey.example.com/greet").make(subject)
    assert made == f"https://hey.example.com/greet/unsubscribe/{link(UUID(int=7))}"
    assert LinkMaker(SEALS, None).make(subject) is None


# --- The list of addresses --------------------------------------------------------------------


async def import_people(pipeline: Pipeline, clock: FakeClock, *emails: str) -> None:
    columns = list(person())
    rows = [Row(n, [str(v) for v in person(email=e).values()]) for n, e in enumerate(emails, 2)]
    service = ImportService(pipeline.database, pipeline.planner, clock)
    async for _ in service.run(columns, [rows], lambda _row, reason: pytest.fail(reason)):
        pass


async def left(pipeline: Pipeline, email: str) -> tuple[bool, list[str]]:
    """Whether the live person with this address left all greetings, and which types."""
    query = "SELECT id FROM users WHERE lower(email) = lower($1) AND deleted_at IS NULL"
    user = await pipeline.users.get(await pipeline.value(query, email))
    return user.unsubscribed_at is not None, list(user.unsubscribed_types)


@pytest.mark.parametrize("message_type", [None, "BIRTHDAY"])
@pytest.mark.parametrize("way", ["created", "imported", "changed"])
async def test_who_left_and_is_brought_again_has_left(
    pipeline: Pipeline, clock: FakeClock, way: str, message_type: str | None
) -> None:
    user = await pipeline.create(email="ada@example.com")
    await pipeline.users.unsubscribe(user.id, message_type=message_type)
    await pipeline.users.delete(user.id)
    if way == "created":
        await pipeline.create(email="ADA@example.com")
    elif way == "imported":
        await import_people(pipeline, clock, "bob@example.com", "Ada@Example.com", "eve@x.com")
        assert await left(pipeline, "bob@example.com") == (False, [])
        assert await left(pipeline, "eve@x.com") == (False, [])
    else:
        other = await pipeline.create()
        await pipeline.users.patch(other.id, {"email": "adA@example.com"})
    types = ["BIRTHDAY"] if message_type else []
    assert await left(pipeline, "ada@example.com") == (message_type is None, types)


async def test_who_came_back_may_be_brought_again(pipeline: Pipeline, clock: FakeClock) -> None:
    user = await pipeline.create(email="ada@example.com")
    await pipeline.users.unsubscribe(user.id)
    await pipeline.users.resubscribe(user.id)
    await pipeline.users.delete(user.id)
    await import_people(pipeline, clock, "ada@example.com")
    assert await left(pipeline, "ada@example.com") == (False, [])


async def test_who_came_back_to_one_type_is_remembered_for_the_other(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(email="ada@example.com")
    await pipeline.users.unsubscribe(user.id)
    await pipeline.users.resubscribe(user.id, message_type="BIRTHDAY")
    await pipeline.users.delete(user.id)
    await import_people(pipeline, clock, "ada@example.com")
    assert await left(pipeline, "ada@example.com") == (False, ["ANNIVERSARY"])


async def test_who_left_by_sql_and_was_deleted_is_remembered(pipeline: Pipeline) -> None:
    user = await pipeline.create(email="ada@example.com")
    await pipeline.execute("UPDATE users SET unsubscribed_at = now()")
    await pipeline.users.delete(user.id)
    await pipeline.create(email="ada@example.com")
    assert await left(pipeline, "ada@example.com") == (True, [])


async def test_an_undeleted_person_whose_address_left_meanwhile_has_left(
    pipeline: Pipeline,
) -> None:
    former = await pipeline.create(email="ada@example.com")
    await pipeline.users.delete(former.id)
    latter = await pipeline.create(email="ada@example.com")
    await pipeline.users.unsubscribe(latter.id, message_type="BIRTHDAY")
    await pipeline.users.delete(latter.id)
    assert (await pipeline.users.undelete(former.id)).unsubscribed_types == ["BIRTHDAY"]


async def test_an_import_of_who_is_there_leaves_what_they_said_last(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    """SQL may take a leaving back, and knows no secret: the row counts while it is there."""
    user = await pipeline.create(email="ada@example.com", first_name="Augusta")
    await pipeline.users.unsubscribe(user.id)
    await pipeline.execute("UPDATE users SET unsubscribed_at = NULL")
    await import_people(pipeline, clock, "ada@example.com")
    assert (await pipeline.users.get(user.id)).first_name == "Ada"
    assert await left(pipeline, "ada@example.com") == (False, [])


async def test_the_list_holds_no_address(pipeline: Pipeline) -> None:
    user = await pipeline.create(email="ada@example.com")
    await pipeline.users.unsubscribe(user.id)
    (row,) = await pipeline.rows("SELECT * FROM suppressions")
    assert bytes(row["address_hmac"]) == SEALS.digest("ada@example.com")
    assert (row["message_type"], row["reason"]) == (None, "unsubscribed")


async def test_a_former_secret_still_finds_an_address(pipeline: Pipeline) -> None:
    user = await pipeline.create(email="ada@example.com")
    await pipeline.users.unsubscribe(user.id)
    await pipeline.users.delete(user.id)
    pipeline.database.seal_with(Seals((b"a new secret that has its 32 bytes", *SEALS.secrets)))
    again = await pipeline.create(email="ada@example.com")
    assert again.unsubscribed_at is not None
    await pipeline.users.resubscribe(again.id)
    assert await pipeline.value("SELECT count(*) FROM suppressions") == 0


async def test_nobody_who_was_never_there_leaves(pipeline: Pipeline) -> None:
    with pytest.raises(NotFound):
        await pipeline.users.unsubscribe(UUID(int=7), message_type="BIRTHDAY")


async def test_leaving_waits_for_an_edit_that_is_under_way(
    pipeline: Pipeline, held: Held, clock: FakeClock, leaving: UnsubscribeService
) -> None:
    user = await with_both(pipeline, clock, anniversary_date=None)
    renaming = await held.run_up_to_commit(held.users.patch(user.id, {"first_name": "Augusta"}))
    await commit_when_blocked(pipeline, held, renaming, leaving.follow(link(user.id)))
    assert await sent_types(pipeline, clock) == []


async def test_an_import_knows_who_left_by_an_old_secret_and_by_none(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(email="ada@example.com")
    await pipeline.users.unsubscribe(user.id)
    await pipeline.users.delete(user.id)
    pipeline.database.seal_with(Seals((b"a new secret that has its 32 bytes", *SEALS.secrets)))
    await import_people(pipeline, clock, "bob@example.com", "ada@example.com", "eve@x.com")
    assert await left(pipeline, "ada@example.com") == (True, [])
    assert await left(pipeline, "bob@example.com") == (False, [])
    pipeline.database.seal_with(Seals())
    await import_people(pipeline, clock, "new@example.com")
    assert await left(pipeline, "new@example.com") == (False, [])
