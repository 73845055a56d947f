"""What the database holds of a greeting, and what will become of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from heyday.domain.cases import Case, CaseGreeting, CasePerson, Effect, Explanation, Verdict
from heyday.domain.explained_rows import leaving_at
from heyday.domain.explaining import Question
from heyday.domain.message_types import BIRTHDAY
from heyday.domain.policies import TimePolicies
from heyday.domain.timezone import TimezoneService
from heyday.domain.transitions import Status
from heyday.domain.tzdb import PINNED

NINE, ON = datetime(2027, 1, 14, 9, tzinfo=UTC), date(2027, 1, 14)
EVE = NINE - timedelta(hours=9)
ADA_TODAY = CasePerson(
    id=UUID(int=1),
    first_name="Ada",
    last_name="Lovelace",
    email="ada@example.com",
    timezone="UTC",
    dates={"BIRTHDAY": date(1990, 1, 14), "ANNIVERSARY": None},
    created_at=NINE - timedelta(days=30),
    deleted_at=None,
    unsubscribed_at=None,
    eligible_since=NINE - timedelta(days=30),
    dates_changed_at=None,
)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ROW = CaseGreeting(
    message_type="BIRTHDAY",
    delivery_on=ON,
    occasion_on=date(1990, 1, 14),
    timezone="UTC",
    tzdb_version=PINNED.version,
    status=Status.SCHEDULED,
    scheduled_send_at=NINE,
    actual_send_at=None,
    next_attempt_at=None,
    retry_count=0,
    ambiguous_count=0,
    error=None,
)
GREETED = replace(
    ROW,
    status=Status.SENT,
    delivery_on=ON - timedelta(days=10),
    scheduled_send_at=NINE - 10 * DAY,
    actual_send_at=NINE - 10 * DAY,
)


def explain(
    *rows: CaseGreeting,
    now: datetime = EVE,
    person: CasePerson = ADA_TODAY,
    policies: TimePolicies | None = None,
    planned: bool = False,
) -> Explanation:
    keys = frozenset({("BIRTHDAY", ON)} if planned else set())
    one = Case(person, rows, keys, now)
    horizon = timedelta(hours=48)
    return Question(one, BIRTHDAY, TimezoneService(policies), horizon, ON).explain()


def text(told: Explanation, name: str, effect: Effect = Effect.HOLDS) -> str:
    (finding,) = [f for f in told.findings if f.rule == name and f.effect is effect]
    return finding.text


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (Status.SCHEDULED, Verdict.WILL),
        (Status.QUEUED, Verdict.WILL),
        (Status.RETRYING, Verdict.WILL),
        (Status.SENDING, Verdict.OPEN),
        (Status.UNKNOWN, Verdict.OPEN),
        (Status.SENT, Verdict.SENT),
        (Status.FAILED, Verdict.NOT),
        (Status.SKIPPED, Verdict.NOT),
    ],
)
def test_each_status_has_its_verdict(status: Status, verdict: Verdict):
    told = explain(replace(ROW, status=status, error="why", actual_send_at=NINE))
    assert told.verdict is verdict
    effect = Effect.STOPS if verdict is Verdict.NOT else Effect.HOLDS
    assert text(told, status, effect)


def test_what_was_sent_stays_sent_whoever_leaves_afterwards():
    person = replace(ADA_TODAY, deleted_at=NINE + HOUR)
    told = explain(
        replace(ROW, status=Status.SENT, actual_send_at=NINE), now=NINE + DAY, person=person
    )
    assert (told.verdict, told.send_at) == (Verdict.SENT, NINE)
    assert "was sent at 2027-01-14 09:00:00 UTC" in told.summary


def test_a_row_of_somebody_who_left_will_be_cancelled():
    told = explain(ROW, person=replace(ADA_TODAY, unsubscribed_at=EVE))
    assert told.verdict is Verdict.NOT
    assert "will be cancelled" in text(told, "not wanted")


def test_a_row_at_another_instant_is_moved():
    told = explain(replace(ROW, scheduled_send_at=NINE - HOUR, tzdb_version="2020a"))
    assert told.send_at == NINE
    assert "2027-01-14 09:00:00 UTC" in text(told, "moved", Effect.MOVES)
    assert "2020a" in text(told, "tz database")


def test_a_cancelled_row_comes_back_if_it_fits_again():
    row = replace(ROW, status=Status.CANCELLED, error="date or time zone changed")
    told = explain(row)
    assert told.verdict is Verdict.WILL
    assert "brings it back" in text(told, "back")
    gone = explain(row, person=replace(ADA_TODAY, deleted_at=EVE))
    assert gone.verdict is Verdict.NOT


def test_a_row_that_a_person_cancelled_stays_so():
    told = explain(replace(ROW, status=Status.CANCELLED, error="cancelled by a person: why"))
    assert told.verdict is Verdict.NOT
    assert "cancelled by a person: why" in told.summary


def test_a_retry_tells_how_often_and_when_next():
    row = replace(
        ROW,
        status=Status.RETRYING,
        retry_count=2,
        next_attempt_at=NINE + HOUR,
        ambiguous_count=1,
        error="ConnectionRefusedError",
    )
    told = explain(row, now=NINE + timedelta(minutes=1))
    assert told.send_at == NINE + HOUR
    assert "3 times so far (ConnectionRefusedError)" in text(told, "RETRYING")
    assert "Of 1 of the attempts" in text(told, "ambiguous")


@pytest.mark.parametrize(("late", "verdict"), [(HOUR, Verdict.WILL), (25 * HOUR, Verdict.NOT)])
def test_the_late_window(late: timedelta, verdict: Verdict):
    told = explain(ROW, now=NINE + late)
    assert told.verdict is verdict
    effect = Effect.HOLDS if verdict is Verdict.WILL else Effect.STOPS
    assert "late window of 24 hours" in text(told, "late window", effect)


class TestWithoutARow:
    """What is not planned, or not yet, or not any more."""

    def test_what_is_to_come_is_not_planned_yet(self):
        assert "2 days ahead" in text(explain(), "plan")

    def test_what_was_missed_is_planned_by_the_next_sweep(self):
        told = explain(now=NINE + HOUR)
        assert told.verdict is Verdict.WILL
        assert "within ten minutes" in told.summary
        assert "next sweep" in text(told, "plan")

    @pytest.mark.parametrize(("late_join", "verdict"), [(True, Verdict.WILL), (False, Verdict.NOT)])
    def test_who_came_today_after_nine(self, late_join: bool, verdict: Verdict):  # noqa: FBT001
        person = replace(ADA_TODAY, eligible_since=NINE + HOUR)
        policies = TimePolicies(late_join=late_join)
        told = explain(now=NINE + 2 * HOUR, person=person, policies=policies)
        assert told.verdict is verdict
        effect = Effect.HOLDS if late_join else Effect.STOPS
        assert "2027-01-14 10:00:00 UTC" in text(told, "late join", effect)

    def test_who_came_the_day_after_was_not_missed(self):
        person = replace(ADA_TODAY, eligible_since=NINE + 16 * HOUR)
        told = explain(now=NINE + 17 * HOUR, person=person)
        assert told.verdict is Verdict.NOT
        assert "over by now" in text(told, "late join", Effect.STOPS)

    def test_what_the_ledger_holds_is_not_planned_again(self):
        told = explain(planned=True)
        assert told.verdict is Verdict.NOT
        assert "not planned again" in text(told, "ledger", Effect.STOPS)


class TestSameOccasion:
    """A date that was corrected after its greeting brings no second one."""

    CORRECTED = replace(ADA_TODAY, dates_changed_at=EVE)

    @pytest.mark.parametrize("rows", [(GREETED,), (GREETED, ROW)], ids=["unplanned", "planned"])
    def test_a_corrected_date_is_the_same_occasion(self, rows: tuple[CaseGreeting, ...]):
        told = explain(*rows, person=self.CORRECTED)
        assert told.verdict is Verdict.NOT
        assert "Monday 4 January 2027 (SENT)" in text(told, "same occasion", Effect.STOPS)

    @pytest.mark.parametrize(
        ("former", "person", "policies"),
        [
            (GREETED, ADA_TODAY, TimePolicies()),
            (replace(GREETED, status=Status.CANCELLED), CORRECTED, TimePolicies()),
            (replace(GREETED, message_type="ANNIVERSARY"), CORRECTED, TimePolicies()),
            (GREETED, CORRECTED, TimePolicies(same_occasion=10 * DAY)),
        ],
        ids=["never changed", "not sent", "another type", "far enough"],
    )
    def test_and_otherwise_it_is_another(
        self, former: CaseGreeting, person: CasePerson, policies: TimePolicies
    ):
        assert explain(former, person=person, policies=policies).verdict is Verdict.WILL

    def test_what_is_being_sent_right_now_is_waited_for(self):
        told = explain(replace(GREETED, status=Status.SENDING), ROW, person=self.CORRECTED)
        assert told.verdict is Verdict.WILL
        assert "this one waits" in text(told, "same occasion")

    def test_a_former_greeting_is_named_in_any_case(self):
        assert text(explain(GREETED), "another").endswith("Monday 4 January 2027, SENT.")


def test_what_is_not_sent_leaves_at_no_instant():
    assert leaving_at(Verdict.NOT, NINE, ROW) is None
    assert leaving_at(Verdict.WILL, NINE, None) == NINE
