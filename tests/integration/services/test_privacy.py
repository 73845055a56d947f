"""A person's data is handed over whole, and taken out of every column of every table."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar, cast
from uuid import UUID, uuid4

import pytest

from heyday.db.inbox import InboxRepository
from heyday.db.privacy import PrivacyRepository
from heyday.domain.errors import NamedInImport, NotFound
from heyday.domain.models import ClaimedMessage, Recorded, User
from heyday.domain.readings import Encoding
from heyday.domain.timezone import Window
from heyday.domain.transitions import Status
from heyday.services.privacy import PrivacyService
from tests.factories import SEALS, Pipeline
from tests.fakes import FakeClock, RecordingSender
from tests.integration.services.held import WINDOW, Held, commit_when_blocked
from tests.integration.services.stages import HOUR, MINUTE, NINE

if TYPE_CHECKING:
    from heyday.db.connection import Database
    from heyday.db.types import PooledConnection

T = TypeVar("T")

EVE = datetime(2027, 1, 14, 20, tzinfo=UTC)
MARKS = ("Zebulon", "Quigley", "zq@mark.example", "1987-01-15", "Ouagadougou", "Burkina", "quigtag")
MARKED = {
    "first_name": "Zebulon",
    "last_name": "Quigley",
    "email": "zq@mark.example",
    "timezone": "Europe/London",
    "birthday_date": "1987-01-15",
    "location_city": "Ouagadougou",
    "location_country": "Burkina",
    "locale": "fr-BF-quigtag",
}
ROW = "Zebulon,Quigley,ZQ@mark.example,Nowhere,1987-01-15"
# Every column of every table as text: what is found is named by table and column.
COLUMNS = """
SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, NULL) AS type
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
"""


async def places_of_marks(pipeline: Pipeline) -> set[str]:
    """Return where in the database a mark stands."""
    places = set()
    for row in await pipeline.rows(COLUMNS):
        table, column = row["table"], row["column"]
        pattern = "|".join(MARKS).replace(".", r"\.")
        is_binary = row["type"] == "bytea"
        text = f"encode(\"{column}\", 'escape')" if is_binary else f'"{column}"::text'
        query = f'SELECT count(*) FROM "{table}" WHERE {text} ~* $1'  # noqa: S608
        if await pipeline.value(query, pattern):
            places.add(f"{table}.{column}")
    return places


@dataclass(frozen=True)
class Within:
    """A database whose transactions are parts of one that the test commits."""

    connection: "PooledConnection"

    async def transact(self, work: Callable[["PooledConnection"], Awaitable[T]]) -> T:
        return await work(self.connection)


@pytest.fixture
def privacy(pipeline: Pipeline, clock: FakeClock) -> PrivacyService:
    return PrivacyService(PrivacyRepository(pipeline.database, SEALS), clock)


@pytest.fixture
def inbox(pipeline: Pipeline) -> InboxRepository:
    return InboxRepository(pipeline.database)


async def planned(pipeline: Pipeline, clock: FakeClock, **fields: object) -> User:
    """The marked person on the eve of their birthday."""
    clock.set(EVE)
    return await pipeline.create(**(MARKED | fields))


async def claimed(pipeline: Pipeline, clock: FakeClock) -> ClaimedMessage:
    """The greeting of the marked person, in the hands of a worker."""
    await planned(pipeline, clock)
    clock.set(NINE)
    await pipeline.minute.run_once()
    async with pipeline.database.session() as session:
        rules = pipeline.planner.claim_rules(NINE)
        (batch,) = [await _only_batch(pipeline)]
        claim = await session.messages.claim(batch, NINE, rules, HOUR)
    (message,) = claim.messages
    return message


async def _only_batch(pipeline: Pipeline):
    deliveries = pipeline.transport.deliveries()
    delivery = await anext(deliveries)
    await deliveries.aclose()
    return delivery.batch


def outcome(message: ClaimedMessage, status: Status = Status.SENT) -> Recorded:
    """What a provider answered that says who was greeted, past what senders scrub."""
    return Recorded(
        message_id=message.id,
        scheduled_send_at=message.scheduled_send_at,
        epoch=message.epoch,
        status=status,
        attempt=1,
        outcome="accepted" if status is Status.SENT else "ambiguous",
        finished_at=NINE,
        retry_count=0,
        ambiguous_count=0,
        next_attempt_at=NINE + MINUTE if status is Status.RETRYING else None,
        response_code=200,
        response_body="hello Zebulon Quigley",
        error=None if status is Status.SENT else "the provider answered 500",
        provider_message_id="zq@mark.example",
    )


async def record(pipeline: Pipeline, *outcomes: Recorded) -> None:
    async with pipeline.database.session() as session:
        await session.messages.record(outcomes)


async def put_import(pipeline: Pipeline, state: str) -> None:
    await pipeline.execute(
        "INSERT INTO import_jobs (state, columns, has_bom, created_at, lease_until) "
        "VALUES ($1, '{}', false, now(), now())",
        state,
    )


@pytest.fixture
async def known_everywhere(pipeline: Pipeline, clock: FakeClock, inbox: InboxRepository) -> UUID:
    """The marked person in every table that tells of people."""
    message = await claimed(pipeline, clock)
    await inbox.add(message, NINE)
    await record(pipeline, outcome(message))
    await pipeline.execute(
        "UPDATE message_logs SET error_message = 'Zebulon called', ambiguous_count = 1, "
        "message_subject = 'For Zebulon', message_html = '<p>Zebulon', language = 'fr'"
    )
    await pipeline.execute(
        "INSERT INTO message_attempts (message_id, scheduled_send_time, epoch, attempt, outcome, "
        "status, finished_at, error_message) SELECT id, scheduled_send_time, epoch, 1, 'resolved', "
        "'SENT', now(), 'Zebulon Quigley called' FROM message_logs"
    )
    await pipeline.execute(
        "INSERT INTO message_events (event_id, delivery_date, message_id, provider, kind, "
        "happened_at, received_at) SELECT gen_random_uuid(), delivery_date, id, 'ses', "
        "'delivered', now(), now() FROM message_logs"
    )
    await put_import(pipeline, "done")
    await pipeline.execute(
        "INSERT INTO import_rejects (job_id, line, reason, email, cells) "
        "SELECT id, 2, 'no zone', 'ZQ@mark.example', convert_to($1, 'UTF8') FROM import_jobs",
        ROW,
    )
    await pipeline.execute(
        "INSERT INTO api_replies (key_id, idempotency_key, fingerprint, status, headers, body, "
        "subject_ids, created_at) "
        "SELECT id, 'a key', '', 201, '{}', convert_to(first_name, 'UTF8'), ARRAY[id], now() "
        "FROM users"
    )
    return message.user_id


# --- Export -----------------------------------------------------------------------------------


async def test_an_export_holds_all_that_tells_of_the_person(
    pipeline: Pipeline, privacy: PrivacyService, known_everywhere: UUID
) -> None:
    await pipeline.users.unsubscribe(known_everywhere, message_type="BIRTHDAY")
    dossier = await privacy.export(known_everywhere)
    assert {name: len(rows) for name, rows in dossier.items()} == {
        "person": 1,
        "greetings": 1,
        "attempts": 1,
        "events": 1,
        "letters": 1,
        "ledger": 1,
        "suppressions": 1,
        "rejected_rows": 1,
        "deeds": 2,
        "replies": 1,
    }
    assert dossier["greetings"][0]["message_content"] == "Hey, Zebulon Quigley it's your birthday"
    assert dossier["letters"][0]["email"] == "zq@mark.example"
    exported = {
        f"{table}.{column}"
        for table, part in {
            "users": "person",
            "message_logs": "greetings",
            "message_attempts": "attempts",
            "inbox_messages": "letters",
            "import_rejects": "rejected_rows",
            "api_replies": "replies",
        }.items()
        for column in dossier[part][0]
    }
    assert await places_of_marks(pipeline) <= exported


async def test_an_export_holds_nothing_of_others(
    pipeline: Pipeline, privacy: PrivacyService, known_everywhere: UUID
) -> None:
    assert (await privacy.export(known_everywhere))["person"]
    other = await pipeline.create(birthday_date="1990-01-16")
    dossier = await privacy.export(other.id)
    assert {name: len(rows) for name, rows in dossier.items() if rows} == {
        "person": 1,
        "greetings": 1,
        "ledger": 1,
        "deeds": 1,
    }
    assert not any(mark in str(dossier) for mark in MARKS)


async def test_a_deleted_person_is_exported_and_nobody_is_not_found(
    pipeline: Pipeline, clock: FakeClock, privacy: PrivacyService
) -> None:
    user = await planned(pipeline, clock)
    await pipeline.users.delete(user.id)
    assert (await privacy.export(user.id))["person"][0]["email"] == "zq@mark.example"
    with pytest.raises(NotFound):
        await privacy.export(uuid4())
    with pytest.raises(NotFound):
        await privacy.erase(uuid4())


# --- Erasure ----------------------------------------------------------------------------------


async def test_after_erasure_no_column_of_any_table_holds_a_mark(
    pipeline: Pipeline, privacy: PrivacyService, known_everywhere: UUID
) -> None:
    before = await places_of_marks(pipeline)
    assert before >= {
        "users.first_name",
        "users.email",
        "users.birthday_date",
        "users.location_city",
        "users.locale",
        "message_logs.message_subject",
        "message_logs.message_content",
        "message_logs.message_html",
        "message_logs.api_response_body",
        "message_logs.error_message",
        "message_logs.provider_message_id",
        "message_logs.occasion_date",
        "message_attempts.error_message",
        "inbox_messages.email",
        "inbox_messages.message",
        "import_rejects.email",
        "import_rejects.cells",
        "api_replies.body",
    }
    await privacy.erase(known_everywhere)
    assert await places_of_marks(pipeline) == set()
    assert (await pipeline.message())["language"] == "und"


async def test_the_books_balance_after_erasure(
    pipeline: Pipeline, clock: FakeClock, privacy: PrivacyService, known_everywhere: UUID
) -> None:
    clock.set(NINE + 2 * HOUR)
    before = await pipeline.reconciliation.reconcile()
    await privacy.erase(known_everywhere)
    after = await pipeline.reconciliation.reconcile()
    assert before == after
    birthdays = after[0]
    assert (birthdays.due, birthdays.sent, birthdays.is_balanced) == (1, 1, True)


async def test_what_has_not_left_is_cancelled(
    pipeline: Pipeline, clock: FakeClock, privacy: PrivacyService, sender: RecordingSender
) -> None:
    user = await planned(pipeline, clock)
    await privacy.erase(user.id)
    row = await pipeline.message(user.id)
    assert (row["status"], row["error_message"]) == ("CANCELLED", "person erased")
    clock.set(NINE)
    await pipeline.recovery.run_once()
    await pipeline.send_due()
    assert sender.sent == []


async def test_an_erased_person_is_not_found_and_never_comes_back(
    pipeline: Pipeline, clock: FakeClock, privacy: PrivacyService
) -> None:
    user = await planned(pipeline, clock)
    await privacy.erase(user.id)
    for asking in (
        pipeline.users.get(user.id),
        pipeline.users.undelete(user.id),
        pipeline.users.resubscribe(user.id),
        pipeline.users.patch(user.id, {"first_name": "Ada"}),
    ):
        with pytest.raises(NotFound):
            await asking


async def test_erasing_twice_is_as_once(
    pipeline: Pipeline, clock: FakeClock, privacy: PrivacyService
) -> None:
    user = await planned(pipeline, clock)
    await privacy.erase(user.id)
    once = await pipeline.rows("SELECT * FROM users")
    clock.advance(MINUTE)
    await privacy.erase(user.id)
    assert await pipeline.rows("SELECT * FROM users") == once


async def test_who_was_erased_and_is_brought_again_gets_nothing(
    pipeline: Pipeline, clock: FakeClock, privacy: PrivacyService
) -> None:
    user = await planned(pipeline, clock)
    await privacy.erase(user.id)
    again = await pipeline.create(**MARKED)
    assert again.unsubscribed_at is not None
    assert await pipeline.messages(again.id) == []
    assert (await pipeline.rows("SELECT reason FROM suppressions"))[0]["reason"] == "erased"


async def test_others_keep_all_that_they_have(
    pipeline: Pipeline, clock: FakeClock, privacy: PrivacyService
) -> None:
    other = await pipeline.create(birthday_date="1990-01-15", timezone="Europe/London")
    before = await pipeline.messages(other.id)
    await privacy.erase((await planned(pipeline, clock)).id)
    assert await pipeline.messages(other.id) == before
    assert await pipeline.users.get(other.id) == other


@pytest.mark.parametrize("state", ["receiving", "uploaded", "waiting", "running"])
async def test_nobody_is_erased_whom_a_file_under_way_brings_back(
    pipeline: Pipeline, clock: FakeClock, privacy: PrivacyService, state: str
) -> None:
    user = await planned(pipeline, clock)
    await put_import(pipeline, state)
    await pipeline.execute(
        "INSERT INTO import_chunks (job_id, number, content) "
        "SELECT id, 0, convert_to($1, 'UTF8') || '\\xff00'::bytea FROM import_jobs",
        ROW,
    )
    with pytest.raises(NamedInImport):
        await privacy.erase(user.id)
    assert (await pipeline.users.get(user.id)).first_name == "Zebulon"
    await pipeline.execute("DELETE FROM import_chunks")
    await privacy.erase(user.id)
    assert await places_of_marks(pipeline) == set()


async def test_an_address_is_found_in_a_file_whatever_its_letters_are_written_in(
    pipeline: Pipeline, privacy: PrivacyService
) -> None:
    user = await pipeline.create(email="jürgen@example.com")
    await put_import(pipeline, "uploaded")
    for letters in Encoding:
        await pipeline.execute(
            "INSERT INTO import_chunks (job_id, number, content) SELECT id, 0, $1 FROM import_jobs",
            "Jürgen;jürgen@example.com".encode(letters),
        )
        with pytest.raises(NamedInImport):
            await privacy.erase(user.id)
        await pipeline.execute("DELETE FROM import_chunks")
    await privacy.erase(user.id)


async def test_a_file_whose_first_line_was_a_person_forgets_them(
    pipeline: Pipeline, clock: FakeClock, privacy: PrivacyService
) -> None:
    user = await planned(pipeline, clock)
    await put_import(pipeline, "done")
    await pipeline.execute(
        "UPDATE import_jobs SET name = 'Quigley.csv', columns = $1",
        ["Zebulon", "Quigley", user.email.upper()],
    )
    await privacy.erase(user.id)
    assert await places_of_marks(pipeline) == set()
    assert await pipeline.value("SELECT cardinality(columns) FROM import_jobs") == 3


@pytest.mark.parametrize("length", [1, 3, -1])
async def test_an_address_that_two_parts_of_a_file_share_is_found(
    pipeline: Pipeline, clock: FakeClock, privacy: PrivacyService, length: int
) -> None:
    """length: of what the first part has of the address; negative: of what the second has."""
    user = await planned(pipeline, clock)
    await put_import(pipeline, "waiting")
    for number, content in enumerate((user.email[:length], user.email[length:])):
        await pipeline.execute(
            "INSERT INTO import_chunks (job_id, number, content) "
            "SELECT id, $1, convert_to($2, 'UTF8') FROM import_jobs",
            number,
            content,
        )
    with pytest.raises(NamedInImport):
        await privacy.erase(user.id)


# --- Erasure while others are at work ---------------------------------------------------------


@pytest.mark.parametrize("status", [Status.SENT, Status.RETRYING])
async def test_a_worker_that_holds_the_greeting_writes_nothing_back(
    pipeline: Pipeline,
    clock: FakeClock,
    privacy: PrivacyService,
    inbox: InboxRepository,
    status: Status,
) -> None:
    message = await claimed(pipeline, clock)
    await privacy.erase(message.user_id)
    assert await pipeline.statuses() == ["SENDING"]
    await inbox.add(message, NINE)
    await record(pipeline, outcome(message, status))
    assert await pipeline.statuses() == [status]
    assert await places_of_marks(pipeline) == set()
    clock.set(NINE + HOUR)
    await pipeline.send_due()
    ended = "SENT" if status is Status.SENT else "CANCELLED"
    assert await pipeline.statuses() == [ended]
    assert pipeline.sender.sent == []


async def test_an_erasure_waits_for_a_claim_and_a_claim_for_an_erasure(
    pipeline: Pipeline, clock: FakeClock, privacy: PrivacyService
) -> None:
    """Whichever comes first: no attempt starts after the erasure, and nothing is written back."""
    people = [
        await planned(pipeline, clock, email=f"zq{n}@mark.example", first_name=f"Zebulon{n}")
        for n in range(20)
    ]
    clock.set(NINE)
    await pipeline.minute.run_once()
    erasing = [asyncio.ensure_future(privacy.erase(user.id)) for user in people[::2]]
    await asyncio.gather(pipeline.deliver_all(), *erasing)
    for user in people[::2]:
        assert await pipeline.statuses(user.id) in (["SENT"], ["CANCELLED"])
    for user in people[1::2]:
        assert await pipeline.statuses(user.id) == ["SENT"]
        await privacy.erase(user.id)
    assert await places_of_marks(pipeline) == set()
    assert all(line.is_balanced for line in await pipeline.reconciliation.reconcile())


async def test_an_erasure_waits_for_a_plan_for_everybody_and_takes_what_it_wrote(
    pipeline: Pipeline, held: Held, privacy: PrivacyService
) -> None:
    user_id = await pipeline.insert(**MARKED)
    planning = await held.plan()
    await commit_when_blocked(pipeline, held, planning, privacy.erase(user_id))
    assert await pipeline.statuses(user_id) == ["CANCELLED"]
    assert await places_of_marks(pipeline) == set()


async def test_an_erasure_waits_for_a_recovery_that_has_read_the_name(
    pipeline: Pipeline, clock: FakeClock, held: Held, privacy: PrivacyService
) -> None:
    user = await planned(pipeline, clock)
    await pipeline.execute("UPDATE users SET timezone = 'Asia/Tokyo'")
    await pipeline.planner.ensure_partitions(
        pipeline.database, Window(WINDOW.start_at, WINDOW.end_at)
    )
    recovering = await held.run_up_to_commit(held.planner.replan_changed(held.store, clock.now()))
    await commit_when_blocked(pipeline, held, recovering, privacy.erase(user.id))
    assert await places_of_marks(pipeline) == set()
    assert await pipeline.statuses(user.id) == ["CANCELLED"]


async def test_a_recovery_that_has_read_the_name_before_an_erasure_does_not_bring_it_back(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await planned(pipeline, clock)
    await pipeline.execute("UPDATE users SET timezone = 'Asia/Tokyo'")
    async with pipeline.database.connection() as other:
        async with other.transaction():
            store = PrivacyRepository(cast("Database", Within(other)), SEALS)
            await store.erase(user.id, clock.now())
            recovering = asyncio.ensure_future(
                pipeline.planner.replan_changed(pipeline.database, clock.now())
            )
            await pipeline.wait_until_blocked()
        await recovering
    assert await pipeline.statuses(user.id) == ["CANCELLED"]
    assert await places_of_marks(pipeline) == set()


async def test_an_erasure_waits_for_an_edit_and_takes_it_as_well(
    pipeline: Pipeline, clock: FakeClock, held: Held, privacy: PrivacyService
) -> None:
    user = await planned(pipeline, clock, first_name="Ada")
    editing = await held.run_up_to_commit(held.users.patch(user.id, {"first_name": "Zebulon"}))
    await commit_when_blocked(pipeline, held, editing, privacy.erase(user.id))
    assert await places_of_marks(pipeline) == set()


async def test_a_letter_that_comes_during_an_erasure_is_empty(
    pipeline: Pipeline, clock: FakeClock, inbox: InboxRepository
) -> None:
    message = await claimed(pipeline, clock)
    async with pipeline.database.connection() as other:
        async with other.transaction():
            await other.execute(
                "UPDATE users SET erased_at = now(), deleted_at = now() WHERE id = $1",
                message.user_id,
            )
            adding = asyncio.ensure_future(inbox.add(message, NINE))
            await pipeline.wait_until_blocked()
        await adding
    (letter,) = await pipeline.rows("SELECT email, message FROM inbox_messages")
    assert tuple(letter) == ("erased@erased.invalid", "")
