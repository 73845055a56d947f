"""People are stored, read, changed and deleted with their plans, all or nothing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from heyday.domain.errors import DatabaseError, EmailTaken, InvalidInput, NotFound
from heyday.domain.models import PersonDraft
from heyday.domain.people_tables import PersonFields
from tests.factories import Pipeline, person
from tests.fakes import FakeClock

SECOND = timedelta(seconds=1)


async def test_a_person_is_stored_as_given_and_read_back(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    fields = person(
        first_name=" Ada ",
        birthday_date="1990-01-15",
        anniversary_date="2020-03-01",
        location_city="London",
        location_country="GB",
    )
    user = await pipeline.users.create(fields)
    assert await pipeline.users.get(user.id) == user
    assert (user.first_name, user.last_name) == ("Ada", "Lovelace")
    assert (user.birthday_date, user.anniversary_date) == (date(1990, 1, 15), date(2020, 3, 1))
    assert (user.location_city, user.location_country) == ("London", "GB")
    assert user.created_at == user.updated_at == clock.now()
    assert user.unsubscribed_at is None


async def test_who_is_not_there_is_not_found(pipeline: Pipeline) -> None:
    nobody = uuid4()
    for attempt in (
        pipeline.users.get(nobody),
        pipeline.users.replace(nobody, person()),
        pipeline.users.patch(nobody, {"first_name": "Augusta"}),
        pipeline.users.delete(nobody),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_who_was_deleted_is_not_found_and_keeps_a_row(pipeline: Pipeline) -> None:
    user = await pipeline.create()
    await pipeline.users.delete(user.id)
    for attempt in (
        pipeline.users.get(user.id),
        pipeline.users.replace(user.id, person()),
        pipeline.users.patch(user.id, {}),
        pipeline.users.delete(user.id),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await pipeline.users.list_page(None, 10) == []
    assert await pipeline.value("SELECT count(*) FROM users") == 1


async def test_an_address_belongs_to_one_person_until_that_person_is_deleted(
    pipeline: Pipeline,
) -> None:
    first = await pipeline.create(email="ada@example.com")
    second = await pipeline.create(email="grace@example.com")
    for attempt in (
        pipeline.create(email="ADA@EXAMPLE.COM"),
        pipeline.users.patch(second.id, {"email": "Ada@example.com"}),
        pipeline.users.replace(second.id, person(email="Ada@example.com")),
    ):
        with pytest.raises(EmailTaken):
            await attempt
    assert (await pipeline.users.get(second.id)).email == "grace@example.com"
    await pipeline.users.delete(first.id)
    assert (await pipeline.create(email="Ada@example.com")).id != first.id


async def test_replacing_empties_what_is_left_out_and_patching_keeps_it(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(birthday_date="1990-01-15", location_city="London")
    clock.advance(SECOND)
    patched = await pipeline.users.patch(user.id, {"first_name": "Augusta"})
    assert (patched.first_name, patched.location_city) == ("Augusta", "London")
    assert patched.birthday_date == user.birthday_date
    assert (patched.created_at, patched.updated_at) == (user.created_at, clock.now())
    emptied = await pipeline.users.patch(user.id, {"location_city": None})
    assert emptied.location_city is None
    replaced = await pipeline.users.replace(user.id, person(email=user.email))
    assert (replaced.first_name, replaced.birthday_date) == ("Ada", None)
    assert await pipeline.users.get(user.id) == replaced


async def test_what_is_wrong_is_named_and_nothing_is_stored(pipeline: Pipeline) -> None:
    with pytest.raises(InvalidInput) as caught:
        await pipeline.create(first_name="", timezone="Mars/Phobos", birthday_date="1990-02-30")
    assert {p.field for p in caught.value.problems} == {"first_name", "timezone", "birthday_date"}
    assert await pipeline.users.list_page(None, 10) == []
    user = await pipeline.create()
    with pytest.raises(InvalidInput):
        await pipeline.users.patch(user.id, {"shoe_size": 39})
    with pytest.raises(InvalidInput):
        await pipeline.users.replace(user.id, {"first_name": "Augusta"})
    assert await pipeline.users.get(user.id) == user


async def test_pages_follow_each_other_without_gap_or_repeat(pipeline: Pipeline) -> None:
    everybody = {(await pipeline.create()).id for _ in range(7)}
    seen, after = [], None
    while page := await pipeline.users.list_page(after, 3):
        seen += [user.id for user in page]
        after = page[-1].id
    assert seen == sorted(everybody, key=lambda i: i.bytes)


async def test_a_person_is_stored_with_the_plan_or_not_at_all(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.planner.prepare(pipeline.database, clock.now())
    await pipeline.execute("ALTER TABLE message_logs ADD CHECK (message_type <> 'BIRTHDAY')")
    with pytest.raises(DatabaseError):
        await pipeline.create(birthday_date="1990-01-15")
    assert await pipeline.users.list_page(None, 10) == []
    assert await pipeline.value("SELECT count(*) FROM idempotency_keys") == 0


async def test_an_edit_is_stored_with_the_plan_or_not_at_all(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(birthday_date="1990-01-15")
    clock.advance(SECOND)
    await pipeline.execute("ALTER TABLE message_logs ADD CHECK (status <> 'CANCELLED')")
    for edit in (
        pipeline.users.patch(user.id, {"birthday_date": None}),
        pipeline.users.delete(user.id),
        pipeline.users.unsubscribe(user.id),
    ):
        with pytest.raises(DatabaseError):
            await edit
    assert await pipeline.users.get(user.id) == user
    assert await pipeline.statuses(user.id) == ["SCHEDULED"]


async def test_storing_people_looks_at_partitions_once(
    pipeline: Pipeline, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    ensure = pipeline.planner.ensure_partitions
    transactions = type(pipeline.database).in_transaction

    async def counted(*values: object) -> object:
        looks.append(values)
        return await transactions(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(type(pipeline.database), "in_transaction", counted)
    for _ in range(3):
        await pipeline.create(birthday_date="1990-01-15")
        clock.advance(timedelta(minutes=1))
    assert len(looks) == 3 + 1
    assert ensure is not None


async def test_a_person_counts_as_eligible_from_the_last_change_that_moves_greetings(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    since = "SELECT eligible_since FROM users"
    user = await pipeline.create(birthday_date="1990-01-15")
    created_at = clock.now()
    clock.advance(SECOND)
    same_day: list[dict[str, object]] = [
        {"first_name": "Augusta"},
        {"timezone": "Asia/Tokyo"},
        {"birthday_date": "1991-01-15"},
    ]
    for change in same_day:
        await pipeline.users.patch(user.id, change)
        assert await pipeline.value(since) == created_at
    other_day: list[dict[str, object]] = [
        {"anniversary_date": "2020-01-15"},
        {"birthday_date": "1991-01-16"},
        {"birthday_date": None},
    ]
    for change in other_day:
        clock.advance(SECOND)
        await pipeline.users.patch(user.id, change)
        assert await pipeline.value(since) == clock.now()
    assert clock.now() == datetime(2027, 1, 14, 0, 0, 4, tzinfo=UTC)


async def test_an_import_makes_eligible_anew_whom_it_gives_another_day(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    since = "SELECT eligible_since FROM users"
    given = PersonDraft("Ada", "Lovelace", "ada@example.com", "UTC", date(1990, 1, 15))

    async def store(person: PersonDraft) -> datetime:
        clock.advance(SECOND)
        await pipeline.database.in_transaction(
            lambda session: session.users.upsert_many([PersonFields.of(person)], clock.now())
        )
        at: datetime = await pipeline.value(since)
        return at

    created_at = await store(given)
    for other in (
        replace(given, timezone="Asia/Tokyo"),
        replace(given, birthday_date=date(1991, 1, 15)),
    ):
        assert await store(other) == created_at
    assert await store(replace(given, birthday_date=date(1991, 1, 16))) == clock.now()
    assert await store(replace(given, birthday_date=None)) == clock.now()


# --- Leaving and coming back ------------------------------------------------------------------


async def test_who_leaves_and_comes_back_is_shown_as_before(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(birthday_date="1990-01-15", location_city="London")
    clock.advance(SECOND)
    gone = await pipeline.users.unsubscribe(user.id)
    assert gone == replace(user, unsubscribed_at=clock.now(), updated_at=clock.now())
    clock.advance(SECOND)
    back = await pipeline.users.resubscribe(user.id)
    assert back == replace(user, updated_at=clock.now())
    await pipeline.users.delete(user.id)
    clock.advance(SECOND)
    back = await pipeline.users.undelete(user.id)
    assert back == await pipeline.users.get(user.id) == replace(user, updated_at=clock.now())


async def test_leaving_or_coming_back_twice_is_as_once(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(birthday_date="1990-01-15")
    for change in (
        pipeline.users.undelete,
        pipeline.users.resubscribe,
        pipeline.users.unsubscribe,
        pipeline.users.resubscribe,
    ):
        clock.advance(SECOND)
        once = await change(user.id)
        rows = await pipeline.messages(user.id)
        clock.advance(SECOND)
        assert await change(user.id) == once
        assert await pipeline.messages(user.id) == rows


async def test_who_never_was_there_can_neither_leave_nor_come_back(pipeline: Pipeline) -> None:
    nobody, gone = uuid4(), (await pipeline.create()).id
    await pipeline.users.delete(gone)
    for attempt in (
        pipeline.users.undelete(nobody),
        pipeline.users.unsubscribe(nobody),
        pipeline.users.resubscribe(nobody),
        pipeline.users.unsubscribe(gone),
        pipeline.users.resubscribe(gone),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_nobody_comes_back_to_an_address_that_was_taken_meanwhile(
    pipeline: Pipeline,
) -> None:
    user = await pipeline.create(email="ada@example.com", birthday_date="1990-01-15")
    await pipeline.users.delete(user.id)
    other = await pipeline.create(email="ADA@example.com")
    with pytest.raises(EmailTaken):
        await pipeline.users.undelete(user.id)
    assert await pipeline.statuses(user.id) == ["CANCELLED"]
    await pipeline.users.delete(other.id)
    assert (await pipeline.users.undelete(user.id)).id == user.id
    assert await pipeline.statuses(user.id) == ["SCHEDULED"]


async def test_who_comes_back_unsubscribed_stays_unsubscribed(pipeline: Pipeline) -> None:
    user = await pipeline.create(birthday_date="1990-01-15")
    await pipeline.users.unsubscribe(user.id)
    await pipeline.users.delete(user.id)
    assert (await pipeline.users.undelete(user.id)).unsubscribed_at is not None
    assert await pipeline.statuses(user.id) == ["CANCELLED"]


async def test_who_comes_back_with_a_zone_that_is_none_has_no_greeting(pipeline: Pipeline) -> None:
    user = await pipeline.create(birthday_date="1990-01-15")
    await pipeline.users.delete(user.id)
    await pipeline.execute("UPDATE users SET timezone = 'Mars/Phobos'")
    assert (await pipeline.users.undelete(user.id)).timezone == "Mars/Phobos"
    assert await pipeline.statuses(user.id) == ["CANCELLED"]


@pytest.mark.parametrize(
    ("birthday", "planned"), [("1990-07-20", 0), ("1990-01-15", 1), (None, 0), ("--01-15", 1)]
)
async def test_who_has_no_day_near_costs_no_look_for_one(
    pipeline: Pipeline, birthday: str | None, planned: int
) -> None:
    # Makes the partitions, and has the connection learn the types.
    await pipeline.create(email="first@example.com", birthday_date="1990-01-15")
    statements: list[str] = []
    pool = pipeline.database._pool  # noqa: SLF001 - listens to what goes to PostgreSQL
    assert pool is not None
    lent = [await pool.acquire() for _ in range(pool.get_size())]
    for connection in lent:
        connection.add_query_logger(lambda each: statements.append(_first_word(each.query)))
        await pool.release(connection)
    user = await pipeline.create(birthday_date=birthday)
    assert len(await pipeline.messages(user.id)) == planned
    added = statements[: statements.index("COMMIT;") + 1]
    # With one more for the plan, and one for the word that something may be due.
    assert added == ["BEGIN;", "INSERT", *["WITH", "SELECT"][: 2 * planned], "COMMIT;"]


def _first_word(statement: str) -> str:
    lines = (line for line in statement.splitlines() if not line.startswith("--"))
    return " ".join(lines).split()[0]


async def test_no_field_of_many_people_may_hold_what_stands_between_them(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    """Columns travel as texts, and whoever is next would get what follows."""
    odd = PersonFields.of(PersonDraft("A\x1fB", "L", "ada@example.com", "UTC"))
    with pytest.raises(ValueError, match="control character"):
        await pipeline.database.in_transaction(
            lambda session: session.users.upsert_many([odd], clock.now())
        )
