"""The check finds each kind of broken promise, and nothing where all were kept."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from heyday.domain.policies import TimePolicies
from heyday.domain.tzdb import PINNED
from heyday.simulation.expectations import Calendar
from heyday.simulation.promises import Check, Findings, Person
from heyday.simulation.scenario import Outage, Scenario
from heyday.simulation.sender import Letter

ADA = Person(
    UUID(int=1), "Europe/Berlin", {"birthday_date": date(1988, 6, 1), "anniversary_date": None}
)
NINE = datetime(2027, 6, 1, 7, tzinfo=UTC)
KEY = f"{ADA.id}:BIRTHDAY:2027-06-01"


def check(
    *letters: Letter, outcomes: Mapping[str, str] | None = None, outage: Outage | None = None
) -> Findings:
    scenario = Scenario(date(2027, 5, 1), date(2027, 7, 31), outage=outage)
    known = Calendar(scenario, TimePolicies(), PINNED, PINNED)
    calendars = {"BIRTHDAY": known, "ANNIVERSARY": known}
    return Check(calendars).run([ADA], letters, outcomes or {})


def seconds(count: float) -> datetime:
    return NINE + timedelta(seconds=count)


def test_a_promise_that_was_kept() -> None:
    findings = check(Letter(KEY, seconds(59)))
    assert (findings.broken, findings.sent_on) == ([], {date(2027, 6, 1): 1})
    assert (findings.earliest, findings.latest) == (59, 59)


@pytest.mark.parametrize(
    ("letters", "outcomes", "promises"),
    [
        ([], {}, ["missing"]),
        ([], {KEY: "SKIPPED"}, ["missing"]),
        ([], {KEY: "QUEUED"}, ["missing", "terminal"]),
        ([Letter(KEY, seconds(-1))], {}, ["early"]),
        ([Letter(KEY, seconds(60))], {}, ["late"]),
        ([Letter(KEY, seconds(1)), Letter(KEY, seconds(2))], {}, ["twice"]),
        ([Letter(KEY, NINE), Letter(KEY.replace("06-01", "06-02"), NINE)], {}, ["date"]),
        ([Letter(KEY, NINE), Letter(KEY.replace("0001", "0002"), NINE)], {}, ["date"]),
        ([Letter(KEY, NINE)], {KEY: "SENDING"}, ["terminal"]),
        ([Letter(KEY, NINE), Letter(KEY.replace("-06-", "-04-"), NINE)], {}, []),
        ([Letter(KEY, NINE), Letter(KEY.replace("-06-", "-08-"), NINE)], {}, ["early"]),
    ],
)
def test_each_promise_that_was_broken(
    letters: list[Letter], outcomes: dict[str, str], promises: list[str]
) -> None:
    assert [b.promise for b in check(*letters, outcomes=outcomes).broken] == promises


def test_nine_is_what_the_wall_clock_shows() -> None:
    # The calendar's own arithmetic is not trusted: what it calls on time is read off a clock.
    wrong = Calendar(Scenario(date(2027, 5, 1), date(2027, 7, 31)), TimePolicies(), PINNED, PINNED)
    due = wrong.due(ADA.timezone, date(2027, 6, 1))
    assert due
    late = timedelta(hours=1)
    wrong._known[ADA.timezone, date(2027, 6, 1), ""] = due._replace(  # noqa: SLF001 - made wrong
        at=due.at + late, until=due.until + late
    )
    findings = Check({"BIRTHDAY": wrong}).run([ADA], [Letter(KEY, NINE + late)], {})
    assert [b.promise for b in findings.broken] == ["nine"]


@pytest.mark.parametrize(
    ("letters", "outcomes", "promises", "skipped"),
    [
        ([], {KEY: "SKIPPED"}, [], 1),
        ([], {}, ["missing"], 0),
        ([Letter(KEY, seconds(30 * 3600))], {}, ["skipped"], 0),
    ],
)
def test_what_an_outage_kept_for_too_long_is_to_be_skipped(
    letters: list[Letter], outcomes: dict[str, str], promises: list[str], skipped: int
) -> None:
    outage = Outage(NINE, seconds(30 * 3600))
    findings = check(*letters, outcomes=outcomes, outage=outage)
    assert ([b.promise for b in findings.broken], findings.skipped) == (promises, skipped)
