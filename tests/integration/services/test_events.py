"""What providers tell, and what becomes of greetings and people by it."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from heyday.db import partitions
from heyday.db.connection import Database, PoolConfig
from heyday.db.privacy import PrivacyRepository
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.errors import NotSigned
from heyday.domain.events import EventKind, ProviderEvent, Received, Token
from heyday.domain.models import Recorded, User
from heyday.domain.transitions import Status
from heyday.services.events import EventService
from heyday.services.resolving import ResolutionService
from tests.factories import SEALS, Pipeline, PipelineConfig, open_pipeline, person
from tests.fakes import FakeClock, RecordingSender
from tests.integration.services.doubt import LAST_TRIED, MINUTE, NINE, unknown

HOUR = timedelta(hours=1)
EVE = datetime(2027, 1, 14, 20, tzinfo=UTC)
TAKEN = [kind for kind in EventKind if kind is not EventKind.DROPPED]
AMBIGUOUS = Outcome(OutcomeKind.AMBIGUOUS, error="no answer came in time")
NOBODY = UUID(int=1)
_numbers = count(1)


@pytest.fixture
def events(pipeline: Pipeline) -> EventService:
    """What takes events in, on the database of the test."""
    return service(pipeline)


def service(pipeline: Pipeline, database: Database | None = None) -> EventService:
    store = database or pipeline.database
    return EventService(store, pipeline.planner, pipeline.clock, pipeline.metrics)


def told(key: str, kind: str, **fields: object) -> ProviderEvent:
    """An event of its own."""
    given = {"id": UUID(int=next(_numbers)), "happened_at": NINE + MINUTE / 2, **fields}
    return ProviderEvent(kind=EventKind(kind), key=key, **given)  # type: ignore[arg-type]


async def tell(events: EventService, *them: ProviderEvent) -> None:
    await events.receive("ses", Received(them))


async def key_of(pipeline: Pipeline) -> str:
    return str((await pipeline.message())["idempotency_key"])


async def kept(pipeline: Pipeline) -> list[str]:
    """Return the kinds of all events that are kept."""
    rows = await pipeline.rows("SELECT kind FROM message_events ORDER BY happened_at, event_id")
    return [row["kind"] for row in rows]


async def listed(pipeline: Pipeline) -> list[tuple[str | None, str]]:
    rows = await pipeline.rows("SELECT message_type, reason FROM suppressions ORDER BY id")
    return [(row["message_type"], row["reason"]) for row in rows]


async def born_tomorrow(pipeline: Pipeline, clock: FakeClock, **fields: object) -> User:
    """Somebody with a birthday and an anniversary tomorrow; the birthday was sent to them."""
    clock.set(EVE)
    dates = {"birthday_date": "1990-01-15", "anniversary_date": "2020-01-15"}
    user = await pipeline.create(timezone="UTC", **(dates | fields))
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SENT' WHERE message_type = 'BIRTHDAY'"
    )
    return user


def birthday_of(user: User) -> str:
    return f"{user.id}:BIRTHDAY:2027-01-15"


# --- What is UNKNOWN is settled ------------------------------------------------------------------


@pytest.mark.parametrize("kind", TAKEN)
async def test_whatever_tells_that_a_letter_was_taken_settles_it_as_sent_with_a_trace(
    pipeline: Pipeline, clock: FakeClock, events: EventService, kind: str
) -> None:
    await unknown(pipeline, clock)
    before, key = await pipeline.message(), await key_of(pipeline)
    await tell(events, told(key, kind, code="2.0.0"))
    assert dict(await pipeline.message()) == {
        **before,
        "status": "SENT",
        "stage": "SENT",
        "epoch": 3,
        "actual_send_time": LAST_TRIED,
        "error_message": f"told by the provider, ses: {kind} (2.0.0)",
    }
    (trace,) = await pipeline.rows(
        "SELECT attempt, epoch, status, finished_at, error_message FROM message_attempts "
        "WHERE outcome = 'told'"
    )
    assert tuple(trace) == (2, 3, "SENT", clock.now(), f"ses: {kind} (2.0.0)")


async def test_without_a_noted_attempt_it_left_when_its_event_happened(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    await unknown(pipeline, clock)
    await pipeline.execute("DELETE FROM message_attempts")
    await tell(events, told(await key_of(pipeline), "delivered", happened_at=NINE))
    assert (await pipeline.message())["actual_send_time"] == NINE


async def test_an_event_from_the_future_happened_when_we_heard_of_it(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    await unknown(pipeline, clock)
    await tell(events, told(await key_of(pipeline), "delivered", happened_at=NINE + 9 * HOUR))
    assert await pipeline.value("SELECT happened_at FROM message_events") == clock.now()


async def test_a_drop_waits_for_an_hour_and_then_fails_it(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    await unknown(pipeline, clock)
    await tell(events, told(await key_of(pipeline), "dropped"))
    clock.advance(HOUR)
    assert "settled" not in await pipeline.scheduling.sweep()
    assert await pipeline.statuses() == ["UNKNOWN"]
    clock.advance(MINUTE)
    assert (await pipeline.scheduling.sweep())["settled"] == 1
    row = await pipeline.message()
    assert (row["status"], row["actual_send_time"]) == ("FAILED", None)
    assert row["error_message"] == "told by the provider, ses: dropped"


async def test_a_drop_that_is_contradicted_in_time_fails_nothing(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    await unknown(pipeline, clock)
    key = await key_of(pipeline)
    await tell(events, told(key, "dropped"))
    clock.advance(HOUR - MINUTE)
    await tell(events, told(key, "accepted"))
    assert await pipeline.statuses() == ["SENT"]
    clock.advance(2 * HOUR)
    assert "settled" not in await pipeline.scheduling.sweep()


async def test_a_drop_before_a_person_decided_says_nothing_of_what_came_after(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    (given,) = await unknown(pipeline, clock)
    key = await key_of(pipeline)
    await tell(events, told(key, "dropped"))
    people = ResolutionService(pipeline.database, pipeline.planner, clock, pipeline.metrics)
    clock.advance(MINUTE)
    await people.resolve([given], Status.RETRYING)
    await pipeline.execute("UPDATE message_logs SET status = 'UNKNOWN', epoch = epoch + 1")
    clock.advance(2 * HOUR)
    assert await events.settle() == 0
    await tell(events, told(key, "dropped"))
    clock.advance(HOUR + MINUTE)
    assert await events.settle() == 1
    assert await pipeline.statuses() == ["FAILED"]


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("status", [s for s in Status if s is not Status.UNKNOWN])
async def test_what_stands_otherwise_is_left_to_whoever_has_it(
    pipeline: Pipeline, clock: FakeClock, events: EventService, status: Status, kind: str
) -> None:
    await unknown(pipeline, clock)
    key = await key_of(pipeline)
    await pipeline.execute(
        "UPDATE message_logs SET status = $1, lease_until = now() + interval '1 h'", status.value
    )
    await tell(events, told(key, kind, recipient="other@example.com"))
    clock.advance(2 * HOUR)
    assert await events.settle() == 0
    assert await pipeline.statuses() == [status.value]
    assert await kept(pipeline) == [kind]


async def test_an_event_that_came_before_settles_it_by_the_next_sweep(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    await unknown(pipeline, clock)
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SENDING', lease_until = now() + interval '1 h'"
    )
    await tell(events, told(await key_of(pipeline), "delivered"))
    assert await pipeline.statuses() == ["SENDING"]
    await pipeline.execute("UPDATE message_logs SET status = 'UNKNOWN'")
    await pipeline.sweep.run_once()
    assert await pipeline.statuses() == ["SENT"]


async def test_more_than_a_sweep_decides_about_at_once_are_settled(
    pipeline: Pipeline, clock: FakeClock, events: EventService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heyday.services.events._CHUNK", 2)
    await unknown(pipeline, clock, count=5)
    await pipeline.execute("UPDATE message_logs SET status = 'SENDING', lease_until = now()")
    keys = [row["idempotency_key"] for row in await pipeline.messages()]
    await tell(events, *(told(key, "delivered") for key in keys))
    await pipeline.execute("UPDATE message_logs SET status = 'UNKNOWN'")
    assert await events.settle() == 5


async def test_a_worker_that_writes_late_finds_the_row_settled(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    await unknown(pipeline, clock)
    row = await pipeline.message()
    await tell(events, told(row["idempotency_key"], "delivered"))
    late = Recorded(
        message_id=row["id"],
        scheduled_send_at=row["scheduled_send_time"],
        epoch=2,
        status=Status.RETRYING,
        attempt=2,
        outcome="ambiguous",
        finished_at=clock.now(),
        retry_count=2,
        ambiguous_count=3,
        next_attempt_at=clock.now(),
        response_code=None,
        error=None,
        response_body=None,
        provider_message_id=None,
    )
    async with pipeline.database.session() as session:
        assert await session.messages.record([late]) == 0
    assert await pipeline.statuses() == ["SENT"]


async def test_a_word_about_an_earlier_epoch_moves_nothing(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    await unknown(pipeline, clock)
    await pipeline.execute("UPDATE message_logs SET status = 'SENDING', lease_until = now()")
    await tell(events, told(await key_of(pipeline), "delivered"))
    await pipeline.execute("UPDATE message_logs SET status = 'UNKNOWN'")
    async with pipeline.database.session() as session:
        words = await session.events.list_words(clock.now(), 10)
        await pipeline.execute("UPDATE message_logs SET epoch = epoch + 1")
        assert await session.events.settle(words, clock.now()) == 0
    assert await pipeline.statuses() == ["UNKNOWN"]


async def test_a_greeting_that_a_worker_gave_up_is_settled_by_its_event(
    database_url: str, clock: FakeClock
) -> None:
    sender, config = (
        RecordingSender(honours_keys=False),
        PipelineConfig(holding=frozenset({"BIRTHDAY"})),
    )
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        clock.set(EVE)
        await pipeline.create(timezone="UTC", birthday_date="1990-01-15")
        key = await key_of(pipeline)
        sender.script(key, AMBIGUOUS)
        clock.set(NINE)
        await pipeline.send_due()
        assert await pipeline.statuses() == ["UNKNOWN"]
        await tell(service(pipeline), told(key, "delivered"))
        row = await pipeline.message()
        assert (row["status"], row["actual_send_time"]) == ("SENT", NINE)


# --- What is kept --------------------------------------------------------------------------------


async def test_the_same_event_told_again_is_one_also_in_another_month(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    await unknown(pipeline, clock)
    event = told(await key_of(pipeline), "delivered")
    await tell(events, event, event)
    clock.advance(timedelta(days=40))
    await tell(events, event)
    assert await kept(pipeline) == ["delivered"]
    labels = {"provider": "ses", "kind": "delivered"}
    registry = pipeline.metrics.registry
    assert registry.get_sample_value("heyday_provider_events_total", labels) == 1


@pytest.mark.parametrize(
    "key",
    [
        "",
        "::",
        f"{NOBODY}:BIRTHDAY:2027-01-15",
        f"{NOBODY}:BIRTHDAY:0001-01-01",
        f"{NOBODY}:BIRTHDAY:9999-12-31",
        f"{NOBODY}:BIRTHDAY\0:2027-01-15",
        f"{NOBODY}:\ud800:2027-01-15",
        f"{NOBODY}:BIRTHDAY:2027-1-15",
    ],
)
async def test_what_is_of_no_greeting_of_ours_is_not_kept(
    pipeline: Pipeline, clock: FakeClock, events: EventService, key: str
) -> None:
    await unknown(pipeline, clock)
    await tell(events, told(key, "complained", recipient="ada@example.com"))
    assert await kept(pipeline) == []
    assert await listed(pipeline) == []
    assert await pipeline.statuses() == ["UNKNOWN"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize("on", [date(2027, 3, 1), date(2027, 2, 28)])
async def test_a_greeting_is_found_on_either_side_of_a_month_in_every_zone(
    pipeline: Pipeline, clock: FakeClock, events: EventService, zone: str, on: date
) -> None:
    clock.set(datetime(on.year, on.month, on.day, tzinfo=UTC) - 12 * HOUR)
    await pipeline.create(timezone=zone, birthday_date=f"1990-{on:%m-%d}")
    await tell(events, told(await key_of(pipeline), "delivered", happened_at=clock.now()))
    assert await kept(pipeline) == ["delivered"]


async def test_the_month_of_a_greeting_takes_its_events_with_it(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    await unknown(pipeline, clock)
    await tell(events, told(await key_of(pipeline), "delivered"))
    async with pipeline.database.connection() as connection:
        await partitions.drop_older(connection, datetime(2027, 3, 15, tzinfo=UTC), 1)
    assert await kept(pipeline) == []


async def test_a_thousand_events_take_no_more_statements_than_one(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await unknown(pipeline, clock, count=30)
    keys = [row["idempotency_key"] for row in await pipeline.messages()]
    database = Database(PoolConfig(pipeline.url, min_size=1, max_size=1, log_statements=True))
    database.seal_with(SEALS)
    await database.open()
    events, counts = service(pipeline, database), []
    try:
        # The first asks PostgreSQL for types as well.
        for some in (keys[:1], keys[1:2], keys[2:]):
            with capture_logs() as logs:
                them = [told(key, kind) for key in some for kind in EventKind]
                await tell(
                    events,
                    *them,
                    *(
                        told(f"{uuid4()}:BIRTHDAY:2027-01-15", "delivered")
                        for _ in range(30 * len(some))
                    ),
                )
            counts.append(sum(line["event"] == "statement" for line in logs))
    finally:
        await database.close()
    assert counts[1] == counts[2]
    assert set(await pipeline.statuses()) == {"SENT"}


async def test_two_that_tell_the_same_in_another_order_note_it_once(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    await unknown(pipeline, clock, count=20)
    keys = [row["idempotency_key"] for row in await pipeline.messages()]
    them = [told(key, kind) for key in keys for kind in ("delivered", "complained")]
    orders = (them, them[::-1], them[20:] + them[:20])
    await asyncio.gather(*(tell(events, *order) for order in orders))
    assert len(await kept(pipeline)) == 40
    assert set(await pipeline.statuses()) == {"SENT"}
    traces = "SELECT count(*) FROM message_attempts WHERE outcome = 'told'"
    assert await pipeline.value(traces) == 20


# --- Who leaves ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "reason"), [("bounced", "bounced"), ("complained", "complained")])
async def test_who_complains_or_is_not_there_gets_no_more_greetings(
    pipeline: Pipeline, clock: FakeClock, events: EventService, kind: str, reason: str
) -> None:
    user = await born_tomorrow(pipeline, clock)
    await tell(events, told(birthday_of(user), kind, recipient=user.email.upper()))
    assert (await pipeline.users.get(user.id)).unsubscribed_at == clock.now()
    assert sorted(await pipeline.statuses(user.id)) == ["CANCELLED", "SENT"]
    assert await listed(pipeline) == [(None, reason)]
    await pipeline.users.delete(user.id)
    again = await pipeline.users.create(person(email=user.email))
    assert again.unsubscribed_at is not None


async def test_who_leaves_by_the_provider_leaves_what_they_were_greeted_for(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    user = await born_tomorrow(pipeline, clock)
    await pipeline.execute("UPDATE message_logs SET status = 'SCHEDULED'")
    await tell(events, told(birthday_of(user), "unsubscribed"))
    left = await pipeline.users.get(user.id)
    assert (left.unsubscribed_at, left.unsubscribed_types) == (None, ["BIRTHDAY"])
    assert sorted(await pipeline.statuses(user.id)) == ["CANCELLED", "SCHEDULED"]
    assert await listed(pipeline) == [("BIRTHDAY", "unsubscribed")]


@pytest.mark.parametrize("kind", ["accepted", "delivered", "delayed", "returned", "dropped"])
async def test_anything_else_is_told_and_no_more(
    pipeline: Pipeline, clock: FakeClock, events: EventService, kind: str
) -> None:
    user = await born_tomorrow(pipeline, clock)
    await tell(events, told(birthday_of(user), kind, recipient=user.email))
    assert (await pipeline.users.get(user.id)).unsubscribed_at is None
    assert sorted(await pipeline.statuses(user.id)) == ["SCHEDULED", "SENT"]
    assert await listed(pipeline) == []


async def test_an_address_that_is_no_longer_theirs_costs_a_person_nothing(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    user = await born_tomorrow(pipeline, clock)
    other = await pipeline.create(email="other@example.com")
    await pipeline.execute("UPDATE users SET email = 'new@example.com' WHERE id = $1", user.id)
    await tell(events, told(birthday_of(user), "bounced", recipient=user.email))
    assert (await pipeline.users.get(user.id)).unsubscribed_at is None
    assert (await pipeline.users.get(other.id)).unsubscribed_at is None
    late = await pipeline.users.create(person(email=user.email))
    assert late.unsubscribed_at is not None


async def test_whoever_has_the_address_now_leaves_as_well(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    user = await born_tomorrow(pipeline, clock)
    await pipeline.users.delete(user.id)
    heir = await pipeline.create(email=user.email, birthday_date="1990-01-15")
    await tell(events, told(birthday_of(user), "complained"))
    assert (await pipeline.users.get(heir.id)).unsubscribed_at is not None


async def test_who_came_back_is_not_made_to_leave_by_the_same_event(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    user = await born_tomorrow(pipeline, clock)
    event = told(birthday_of(user), "bounced", recipient=user.email)
    await tell(events, event)
    await pipeline.users.resubscribe(user.id)
    await tell(events, event)
    assert (await pipeline.users.get(user.id)).unsubscribed_at is None
    assert await listed(pipeline) == []


async def test_who_was_erased_is_told_of_no_more(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    user = await born_tomorrow(pipeline, clock)
    await tell(events, told(birthday_of(user), "delivered"))
    privacy = PrivacyRepository(pipeline.database, SEALS)
    assert [row["kind"] for row in (await privacy.export(user.id))["events"]] == ["delivered"]
    await privacy.erase(user.id, clock.now())
    assert await kept(pipeline) == []
    await tell(events, told(birthday_of(user), "complained", recipient=user.email))
    assert await kept(pipeline) == []
    assert await listed(pipeline) == [(None, "erased")]


async def test_nothing_kept_tells_an_address_or_a_name_of_the_provider(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    user = await born_tomorrow(pipeline, clock)
    with capture_logs() as logs:
        await tell(events, told(birthday_of(user), "bounced", recipient=user.email))
    rows = await pipeline.rows("SELECT e::text, s::text FROM message_events e, suppressions s")
    for secret in (user.email, user.first_name, birthday_of(user)):
        assert secret not in str(rows)
        assert secret not in str(logs)


async def test_the_audit_log_names_the_provider_where_people_change_and_there_alone(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    user = await born_tomorrow(pipeline, clock)
    await pipeline.execute("DELETE FROM audit_log")
    await tell(events, told(birthday_of(user), "delivered"))
    assert await pipeline.value("SELECT count(*) FROM audit_log") == 0
    await tell(events, told(birthday_of(user), "complained"))
    (line,) = await pipeline.rows(
        "SELECT actor_kind, actor_name, action, subject_ids, fields FROM audit_log"
    )
    expected = ("anybody", "provider ses", "event.receive", [user.id], ["unsubscribed_at"])
    assert tuple(line) == expected


# --- Tokens --------------------------------------------------------------------------------------


async def test_a_token_serves_one_request_alone_though_that_may_come_again(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    user = await born_tomorrow(pipeline, clock)
    token = Token(uuid4(), uuid4())
    sent = Received([told(birthday_of(user), "delivered")], token)
    await events.receive("mailgun", sent)
    await events.receive("mailgun", sent)
    forged = Received([told(birthday_of(user), "complained")], Token(token.id, uuid4()))
    with pytest.raises(NotSigned) as refused:
        await events.receive("mailgun", forged)
    assert refused.value.fault == "token used before"
    assert await kept(pipeline) == ["delivered"]
    assert await listed(pipeline) == []


async def test_the_token_of_a_request_that_failed_may_be_used_again(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    user = await born_tomorrow(pipeline, clock)
    sent = Received([told(birthday_of(user), "delivered")], Token(uuid4(), uuid4()))
    await pipeline.execute("ALTER TABLE message_events RENAME TO away")
    with pytest.raises(Exception, match="PostgreSQL refused"):
        await events.receive("mailgun", sent)
    await pipeline.execute("ALTER TABLE away RENAME TO message_events")
    await events.receive("mailgun", sent)
    assert await kept(pipeline) == ["delivered"]


async def test_tokens_are_forgotten_once_nobody_sends_them_again(
    clock: FakeClock, events: EventService
) -> None:
    await events.receive("mailgun", Received([], Token(uuid4(), uuid4())))
    clock.advance(timedelta(days=2))
    assert await events.forget() == 0
    clock.advance(MINUTE)
    assert await events.forget() == 1


# --- The timeline --------------------------------------------------------------------------------


async def test_the_timeline_tells_what_the_provider_told(
    pipeline: Pipeline, clock: FakeClock, events: EventService
) -> None:
    (given,) = await unknown(pipeline, clock)
    key = await key_of(pipeline)
    await tell(events, told(key, "bounced", code="5.1.1", happened_at=NINE + MINUTE / 2))
    people = ResolutionService(pipeline.database, pipeline.planner, clock, pipeline.metrics)
    texts = [event.text for event in (await people.get_history(given)).events()]
    assert texts[-2:] == [
        "told by ses: bounced (5.1.1)",
        "its provider's event decided: SENT (ses: bounced (5.1.1))",
    ]
