"""Alerts ring by the numbers that the page goes by, or by those that stand beside them."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from heyday.domain import thresholds
from heyday.services.scheduling import RHYTHMS
from tests.deploy.rules import ALERTS

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
BOUND = re.compile(r"(?:[<>]=?|==)\s*([\d.]+)")
WINDOW = re.compile(r"\[(\d+)([smhd])\]")


def lasting(text: str) -> float:
    """Return the seconds of what Prometheus writes as "10m"."""
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])}).total_seconds()


def bounds(alert: str) -> list[float]:
    """Return what a rule compares with."""
    return [float(number) for number in BOUND.findall(ALERTS[alert]["expr"])]


def windows(alert: str) -> list[float]:
    """Return over how many seconds a rule looks back."""
    return [lasting("".join(found)) for found in WINDOW.findall(ALERTS[alert]["expr"])]


def waits(alert: str) -> list[float]:
    """Return for how many seconds a rule waits."""
    return [lasting(ALERTS[alert]["for"])]


def seconds(*durations: timedelta) -> list[float]:
    return [each.total_seconds() for each in durations]


Read = Callable[[str], list[float]]
RINGS: Mapping[str, tuple[Read, list[float]]] = {
    "HeydayBacklogOld": (bounds, seconds(thresholds.LATE)),
    "HeydayBreakerOpen": (waits, seconds(thresholds.FAILING_RINGS)),
    "HeydayDailyOverdue": (bounds, seconds(thresholds.DAILY_OVERDUE_RINGS)),
    "HeydayMonthsShort": (bounds, [thresholds.LEAST_MONTHS_AHEAD]),
    "HeydayPlanShort": (bounds, seconds(thresholds.PLAN_SHORT_RINGS)),
    "HeydayRetentionOverdue": (bounds, seconds(thresholds.RETENTION_OVERDUE)),
    "HeydaySchedulerFailing": (bounds, [thresholds.FAILED_RUNS_RINGS]),
    "HeydaySchedulerOverdue": (windows, seconds(*thresholds.OVERDUE_RINGS.values())),
    "HeydayTransactionOld": (bounds, seconds(thresholds.OLD_TRANSACTION)),
}
# The page tells of the first of these at once; a rule waits at the most.
AT_ONCE = {
    "HeydayBatchesDead": [0],
    "HeydayClockUntrusted": [1],
    "HeydayHeld": [1],
    "HeydayQueueAway": [1],
    "HeydayUnknownWaiting": [0],
}
# Of these the page tells nothing: they are of one process, or of how it went for long.
ELSEWHERE = {
    "HeydayAttemptsAmbiguous",
    "HeydayFactsOld",
    "HeydayIllegalMove",
    "HeydayLatenessBurnsFast",
    "HeydayLatenessBurnsSlowly",
    "HeydayOutcomesFenced",
    "HeydayProcessDown",
    "HeydayRedisAway",
    "HeydaySendsUnwritable",
}


def test_of_each_alert_it_is_said_by_what_it_rings() -> None:
    assert {*RINGS, *AT_ONCE, *ELSEWHERE} == set(ALERTS)


@pytest.mark.parametrize("alert", RINGS)
def test_a_rule_rings_by_the_number_of_the_table(alert: str) -> None:
    read, expected = RINGS[alert]
    assert read(alert) == expected


@pytest.mark.parametrize("alert", AT_ONCE)
def test_what_the_page_tells_at_once_rings_from_the_first_on(alert: str) -> None:
    assert bounds(alert) == AT_ONCE[alert]


def test_of_a_scheduler_that_is_overdue_the_rule_names_the_same_ones() -> None:
    expression = ALERTS["HeydaySchedulerOverdue"]["expr"]
    assert re.findall(r'job="(\w+)"', expression) == list(thresholds.OVERDUE_RINGS)


def test_the_page_tells_before_anybody_is_woken() -> None:
    assert thresholds.FAILING <= thresholds.FAILING_RINGS
    assert thresholds.FAILED_RUNS <= thresholds.FAILED_RUNS_RINGS
    # Of the plan more is left when the page tells; and it has told of the daily run by then.
    assert thresholds.PLAN_SHORT > thresholds.PLAN_SHORT_RINGS > thresholds.PLAN_ENDS
    assert seconds(thresholds.RETENTION_TAKES) == waits("HeydayRetentionOverdue")
    rings = {"daily": thresholds.DAILY_OVERDUE_RINGS, **thresholds.OVERDUE_RINGS}
    for job, after in rings.items():
        grace = max(RHYTHMS[job] / 2, thresholds.LEAST_GRACE)
        assert RHYTHMS[job] + min(grace, thresholds.MOST_GRACE) <= after, job
