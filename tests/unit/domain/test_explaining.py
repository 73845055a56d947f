"""Why a person is greeted, or is not: the rules about the person, the day and the moment."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest

from heyday.domain.cases import Case, CasePerson, Effect, Explanation, Finding, Verdict
from heyday.domain.dates import YEAR_UNKNOWN
from heyday.domain.explaining import Question, explain_person
from heyday.domain.message_types import ANNIVERSARY, BIRTHDAY, MessageType
from heyday.domain.policies import GapPolicy, OverlapPolicy, SkipPolicy, TimePolicies
from heyday.domain.spreading import offset_of
from heyday.domain.timezone import TimezoneService
from heyday.domain.tzdb import PINNED

NOW = datetime(2027, 1, 14, tzinfo=UTC)
HORIZON = timedelta(hours=48)
LEAP = date(1988, 2, 29)
ADA = CasePerson(
    id=UUID(int=1),
    first_name="Ada",
    last_name="Lovelace",
    email="ada@example.com",
    timezone="Europe/London",
    dates={"BIRTHDAY": date(1990, 6, 14), "ANNIVERSARY": date(2020, 3, 1)},
    created_at=NOW - timedelta(days=30),
    deleted_at=None,
    unsubscribed_at=None,
    eligible_since=NOW - timedelta(days=30),
    dates_changed_at=None,
)


def case(**changed: object) -> Case:
    return Case(replace(ADA, **changed), (), frozenset(), NOW)  # type: ignore[arg-type]


def born(on: date | None, **changed: object) -> Case:
    return case(dates={"BIRTHDAY": on, "ANNIVERSARY": None}, **changed)


def explain(
    one: Case,
    on: date | None = None,
    policies: TimePolicies | None = None,
    message_type: MessageType = BIRTHDAY,
) -> Explanation:
    return Question(one, message_type, TimezoneService(policies), HORIZON, on).explain()


def rule(findings: Explanation | list[Finding], name: str, effect: Effect) -> str:
    """Return what the only finding of a rule says, which must have this effect."""
    found = findings.findings if isinstance(findings, Explanation) else findings
    (finding,) = [f for f in found if f.rule == name and f.effect is effect]
    return finding.text


def test_the_next_greeting_is_told_with_its_instant_on_both_clocks():
    told = explain(case())
    assert (told.verdict, told.on) == (Verdict.WILL, date(2027, 6, 14))
    assert told.send_at == datetime(2027, 6, 14, 8, tzinfo=UTC)
    assert told.summary == (
        "The BIRTHDAY greeting on Monday 14 June 2027 will be sent at 2027-06-14 08:00:00 UTC, "
        "Monday 14 June 2027, 09:00:00 (UTC+01:00, daylight saving time) on their clock."
    )
    assert rule(told, "years", Effect.HOLDS) == "It is 37 years after the date."
    assert "2 days ahead" in rule(told, "plan", Effect.HOLDS)


def test_without_a_date_there_is_nothing_to_greet():
    told = explain(born(None))
    assert (told.verdict, told.on, told.send_at) == (Verdict.NOT, None, None)
    assert "birthday_date is not set" in rule(told, "date", Effect.STOPS)
    assert told.summary.startswith("The BIRTHDAY greeting is not sent. birthday_date is not set")


@pytest.mark.parametrize(
    ("changed", "name", "said"),
    [
        ({"deleted_at": NOW}, "deleted", "Deleted on 2027-01-14 00:00:00 UTC"),
        ({"unsubscribed_at": NOW}, "unsubscribed", "Unsubscribed on 2027-01-14"),
        ({"timezone": "Mars/Olympus"}, "time zone", "has no zone Mars/Olympus"),
    ],
)
def test_what_stops_a_person_stops_every_greeting(changed: dict[str, object], name: str, said: str):
    one = case(**changed)
    reason = rule(explain_person(one, PINNED), name, Effect.STOPS)
    assert said in reason
    for message_type in (BIRTHDAY, ANNIVERSARY):
        told = explain(one, message_type=message_type)
        assert told.verdict is Verdict.NOT
        assert told.summary.endswith(reason)


def test_a_person_is_named_with_zone_and_release():
    findings = explain_person(case(), PINNED)
    assert "Ada Lovelace, ada@example.com" in rule(findings, "person", Effect.HOLDS)
    zone = rule(findings, "time zone", Effect.HOLDS)
    assert zone == (
        f"Europe/London, by the tz database {PINNED.version}. Their clock shows "
        "Thursday 14 January 2027, 00:00:00 (UTC+00:00) now."
    )


def test_a_zone_that_vanished_is_followed_to_its_successor():
    one = case(timezone="US/Pacific-New")
    text = rule(explain_person(one, PINNED), "time zone", Effect.MOVES)
    assert "America/Los_Angeles" in text
    assert explain(one).send_at == datetime(2027, 6, 14, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("leap_day", "on", "verdict"),
    [
        (SkipPolicy.BACKWARD, date(2027, 2, 28), Verdict.WILL),
        (SkipPolicy.BACKWARD, date(2027, 3, 1), Verdict.NOT),
        (SkipPolicy.FORWARD, date(2027, 3, 1), Verdict.WILL),
        (SkipPolicy.FORWARD, date(2027, 2, 28), Verdict.NOT),
        (SkipPolicy.OMIT, date(2027, 2, 28), Verdict.NOT),
        (SkipPolicy.OMIT, date(2028, 2, 29), Verdict.WILL),
    ],
)
def test_29_february(leap_day: SkipPolicy, on: date, verdict: Verdict):
    told = explain(born(LEAP), on, TimePolicies(leap_day=leap_day))
    assert told.verdict is verdict
    texts = " ".join(finding.text for finding in told.findings)
    assert (f"leap_day={leap_day}" in texts or f"leap_day is {leap_day}" in texts) is (
        on.year == 2027
    )


def test_a_date_that_is_not_theirs_is_told_with_the_one_that_is():
    told = explain(case(), date(2027, 6, 15))
    assert (told.verdict, told.on) == (Verdict.NOT, date(2027, 6, 15))
    assert "Monday 14 June 2027, not on this date" in rule(told, "day", Effect.STOPS)
    assert "That year's greeting is on Monday 14 June 2027" in told.summary


def test_a_date_that_the_zone_left_out_is_moved_or_omitted():
    one = born(date(1980, 12, 30), timezone="Pacific/Apia")
    told = explain(one, date(2011, 12, 31))
    assert "missing_date=FORWARD" in rule(told, "date left out", Effect.MOVES)
    omitted = explain(one, date(2011, 12, 30), TimePolicies(missing_date=SkipPolicy.OMIT))
    assert "left Friday 30 December 2011 out" in rule(omitted, "day", Effect.STOPS)


@pytest.mark.parametrize(
    ("gap", "leaves"), [(GapPolicy.SHIFT, "03:30:00"), (GapPolicy.EDGE, "03:00:00")]
)
def test_a_send_time_in_a_gap_is_moved(gap: GapPolicy, leaves: str):
    policies = TimePolicies(send_time=time(2, 30), gap=gap)
    one = born(date(1990, 3, 14), timezone="America/New_York")
    told = explain(one, date(2027, 3, 14), policies)
    assert f"gap={gap} it leaves at {leaves}" in rule(told, "gap", Effect.MOVES)
    change = rule(told, "clock change", Effect.HOLDS)
    assert "begins at UTC-05:00, ends at UTC-04:00" in change


@pytest.mark.parametrize(
    ("overlap", "offset"), [(OverlapPolicy.FIRST, "-04:00"), (OverlapPolicy.SECOND, "-05:00")]
)
def test_a_send_time_that_comes_twice_is_told(overlap: OverlapPolicy, offset: str):
    policies = TimePolicies(send_time=time(1, 30), overlap=overlap)
    one = born(date(1990, 11, 7), timezone="America/New_York")
    told = explain(one, date(2027, 11, 7), policies)
    assert f"it leaves at UTC{offset}" in rule(told, "overlap", Effect.MOVES)


def test_an_ordinary_day_has_no_rule_about_the_clock():
    rules = {finding.rule for finding in explain(case()).findings}
    assert rules.isdisjoint({"gap", "overlap", "clock change", "29 February", "date left out"})


def test_a_first_work_day_is_no_anniversary():
    one = case(dates={"BIRTHDAY": None, "ANNIVERSARY": date(2027, 1, 14)})
    told = explain(one, date(2027, 1, 14), message_type=ANNIVERSARY)
    assert told.verdict is Verdict.NOT
    assert "begin with year 1" in rule(told, "years", Effect.STOPS)
    following = explain(one, message_type=ANNIVERSARY)
    assert following.on == date(2028, 1, 14)
    assert rule(following, "years", Effect.HOLDS) == "It is 1 year after the date."


def test_a_date_without_a_year_counts_no_years():
    one = case(dates={"BIRTHDAY": None, "ANNIVERSARY": date(YEAR_UNKNOWN, 2, 29)})
    told = explain(one, message_type=ANNIVERSARY)
    assert (told.verdict, told.on) == (Verdict.WILL, date(2027, 2, 28))
    said = rule(told, "date", Effect.HOLDS)
    assert said == "anniversary_date is --02-29, without a year."
    assert "counts none" in rule(told, "years", Effect.HOLDS)


def test_the_date_that_is_asked_about_is_known_before_the_answer():
    question = Question(case(), BIRTHDAY, TimezoneService(), HORIZON)
    assert question.asked_on() == date(2027, 6, 14)
    assert replace(question, on=date(2027, 1, 1)).asked_on() == date(2027, 1, 1)
    assert replace(question, case=born(None)).asked_on() is None


# --- A spread of the send time ------------------------------------------------------------------


def test_a_spread_is_told_with_how_much_of_it_is_theirs():
    told = explain(case(), policies=TimePolicies(spread=timedelta(hours=2)))
    offset = offset_of(f"{ADA.id}:BIRTHDAY:2027-06-14", timedelta(hours=2))
    assert offset == timedelta(hours=1, minutes=27, seconds=7)
    assert told.send_at == datetime(2027, 6, 14, 8, tzinfo=UTC) + offset
    assert "Greetings leave from 09:00:00 onwards" in rule(told, "send time", Effect.HOLDS)
    assert rule(told, "spread", Effect.MOVES) == (
        "They leave over 2 hours, each at its own second, which stays the same: this one "
        "1 hour 27 minutes 7 seconds after the send time."
    )
    assert "10:27:07" in rule(told, "instant", Effect.HOLDS)
    assert "10:27:07" in told.summary


def test_late_and_owed_count_from_the_own_second():
    policies = TimePolicies(spread=timedelta(hours=2), late_join=False)
    own = datetime(2027, 6, 14, 9, 27, 7, tzinfo=UTC)
    second = timedelta(seconds=1)
    for now, verdict in ((own - second, Verdict.WILL), (own + second, Verdict.NOT)):
        one = Case(replace(ADA, eligible_since=now), (), frozenset(), now)
        assert explain(one, date(2027, 6, 14), policies).verdict is verdict
