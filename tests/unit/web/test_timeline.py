from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from heyday.domain.audit import ActorKind, AuditEntry
from heyday.domain.delivery import OutcomeKind
from heyday.domain.events import EventKind, ToldEvent
from heyday.domain.resolutions import Attempt, GreetingRow, History
from heyday.domain.transitions import Status
from heyday.web.message_words import EVENTS, OUTCOMES, is_late, offers_for
from heyday.web.timeline import Kind, Moment, timeline

NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
ROW = GreetingRow(
    id=UUID(int=1),
    user_id=UUID(int=2),
    idempotency_key=f"{UUID(int=2)}:BIRTHDAY:2027-01-15",
    message_type="BIRTHDAY",
    delivery_on=NINE.date(),
    scheduled_send_at=NINE,
    actual_send_at=None,
    status=Status.SCHEDULED,
    retry_count=0,
    ambiguous_count=0,
    created_at=NINE - DAY,
    queued_at=None,
    next_attempt_at=None,
    response_code=None,
    error=None,
)


def told(moments: list[Moment]) -> list[str]:
    return [moment.title % moment.values for moment in moments]


def test_what_is_planned_is_planned_and_due():
    planned, due = timeline(History(ROW, []))
    assert (planned.title, planned.is_before, planned.distance) == ("Planned", True, DAY)
    assert (due.title, due.kind, due.distance) == ("Due", Kind.DUE, timedelta())


def test_a_plain_first_success_is_told_by_its_row():
    row = replace(
        ROW,
        status=Status.SENT,
        queued_at=NINE - SECOND,
        actual_send_at=NINE + SECOND,
        sender="ses",
    )
    assert told(timeline(History(row, []))) == [
        "Planned",
        "Queued, for the last time",
        "Due",
        "Sent at the first attempt through ses: the provider took it",
    ]
    before_senders = replace(row, sender=None)
    assert told(timeline(History(before_senders, [])))[-1].startswith("Sent at the first attempt:")


def test_attempts_decisions_and_events_come_in_order():
    row = replace(ROW, status=Status.SENT, actual_send_at=NINE + SECOND)
    attempts = [
        Attempt(1, 1, "ambiguous", Status.RETRYING, NINE + SECOND, 503, "cut off", "ses"),
        Attempt(2, 2, "ambiguous", Status.UNKNOWN, NINE + 3 * SECOND, None, None),
        Attempt(2, 3, "resolved", Status.SENT, NINE + 9 * SECOND, None, "in its log"),
        Attempt(2, 4, "told", Status.SENT, NINE + 10 * SECOND, None, "ses: delivered"),
    ]
    events = [ToldEvent("ses", EventKind.BOUNCED, NINE + 2 * SECOND, "5.1.1")]
    moments = timeline(History(row, attempts, events))
    assert told(moments)[2:] == [
        "Attempt 1 through ses",
        "Told by ses",
        "Attempt 2",
        "A person decided: it was sent",
        "Settled as sent, by what the provider told",
    ]
    first, bounced, second, decided, _ = moments[2:]
    assert (first.words, first.kind) == ("503 · cut off", Kind.DOUBT)
    assert list(first.details) == [OUTCOMES["ambiguous"], "to be tried again"]
    assert (bounced.words, bounced.kind) == ("5.1.1", Kind.BAD)
    assert (second.words, list(second.details)[1]) == (None, "left to a person to decide")
    assert (decided.words, decided.kind) == ("in its log", Kind.PERSON)


def test_what_waits_says_when_the_next_attempt_may_start():
    row = replace(ROW, status=Status.RETRYING, next_attempt_at=NINE + SECOND)
    assert timeline(History(row, []))[-1].kind is Kind.COMING
    assert len(timeline(History(replace(row, status=Status.QUEUED), []))) == 2


def test_lines_of_the_audit_log_say_who_did_it():
    entry = AuditEntry(
        id=1,
        at=NINE - SECOND,
        actor_kind=ActorKind.KEY,
        actor_id=None,
        actor_name="Anna",
        sql_role="heyday",
        action="person.edit",
        subject_ids=(ROW.user_id,),
        fields=("timezone", "birthday_date"),
        address=None,
        request_id=None,
    )
    (line,) = [m for m in timeline(History(ROW, []), [entry]) if m.kind is Kind.PERSON]
    assert line.title % line.values == "Audit log: person.edit, by Anna"
    assert line.words == "timezone, birthday_date"


def test_every_outcome_and_every_event_has_words():
    assert set(OUTCOMES) == {kind.value for kind in OutcomeKind}
    assert set(EVENTS) == {kind.value for kind in EventKind}


def test_what_can_be_done_is_offered_with_what_stands_against_it():
    def names(row: GreetingRow, *, late: bool = False) -> list[tuple[str, bool]]:
        offers = offers_for(row, lambda _: late)
        return [(offer.deed.name, offer.obstacle is None) for offer in offers]

    unknown = replace(ROW, status=Status.UNKNOWN, ambiguous_count=1)
    failed = replace(ROW, status=Status.FAILED)
    assert names(ROW) == [("cancel", True)]
    assert names(unknown) == [("retry", True), ("sent", True), ("failed", True)]
    assert names(unknown, late=True) == [("retry", False), ("sent", True), ("failed", True)]
    assert names(failed) == [("retry", True)]
    assert names(replace(failed, ambiguous_count=1)) == []
    assert names(replace(ROW, status=Status.SENT)) == []


def test_late_is_what_left_or_stands_there_more_than_a_minute_after_its_time():
    minute = timedelta(minutes=1)
    assert not is_late(ROW, NINE + minute)
    assert is_late(ROW, NINE + minute + SECOND)
    sent = replace(ROW, status=Status.SENT, actual_send_at=NINE + SECOND)
    assert not is_late(sent, NINE + DAY)
    assert is_late(replace(sent, actual_send_at=NINE + minute + SECOND), NINE + DAY)
    assert not is_late(replace(ROW, status=Status.SKIPPED), NINE + DAY)
