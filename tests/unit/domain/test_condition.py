"""What is wrong is said in plain words, the worst first."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from heyday.domain.condition import Facts, Level, SchedulerFacts, judge, months_ahead
from heyday.domain.condition_ports import DatabaseFacts, MonthSize, ProviderPace
from heyday.domain.queue_ports import OnTheWay, QueueDepth, TransportName

NOW = datetime(2027, 1, 14, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MONTHS = [MonthSize(date(2027, month, 1), 10, 8192) for month in range(1, 13)]
DATABASE = DatabaseFacts("18.6", 1 << 20, MONTHS, [], unknown=0, failed=0)
DEPTH = QueueDepth(TransportName.RABBITMQ, waiting=3, workers=2, dead=0)
ON_THE_WAY = OnTheWay(coming=5, queued=(1, 0, 0, 0), sending=2, oldest_due_at=NOW - MINUTE)
WELL = Facts(
    now=NOW,
    is_broker_reachable=True,
    clock_doubt=None,
    schedulers=[SchedulerFacts("daily", is_overdue=False, error=None, last_at=NOW)],
    depth=DEPTH,
    on_the_way=ON_THE_WAY,
    database=DATABASE,
    oldest_transaction=9 * MINUTE,
)


def test_where_all_is_well_nothing_is_said() -> None:
    assert judge(WELL) == []


@pytest.mark.parametrize(
    ("facts", "level", "text"),
    [
        ({"database": None}, Level.ALARM, "PostgreSQL does not answer"),
        ({"clock_doubt": "a jump of 9 s"}, Level.ALARM, "nothing is sent: a jump of 9 s."),
        (
            {"schedulers": [SchedulerFacts("sweep", is_overdue=True, error=None, last_at=None)]},
            Level.ALARM,
            "The sweep scheduler has not run",
        ),
        (
            {"schedulers": [SchedulerFacts("daily", is_overdue=False, error="X", last_at=NOW)]},
            Level.WARNING,
            "the daily scheduler ended in an error: X.",
        ),
        ({"is_broker_reachable": False}, Level.WARNING, "RabbitMQ does not answer"),
        ({"depth": replace(DEPTH, dead=4)}, Level.WARNING, "4 batches were set aside"),
        ({"depth": replace(DEPTH, workers=0)}, Level.ALARM, "No worker asks"),
        (
            {"on_the_way": replace(ON_THE_WAY, oldest_due_at=NOW - 3 * MINUTE)},
            Level.ALARM,
            "due for 3 minutes",
        ),
        (
            {"database": replace(DATABASE, paces=[ProviderPace("ses", 1.0, NOW + MINUTE, NOW)])},
            Level.WARNING,
            "ses asked to be left alone",
        ),
        ({"database": replace(DATABASE, unknown=2)}, Level.WARNING, "Of 2 greetings nobody knows"),
        ({"database": replace(DATABASE, failed=7)}, Level.WARNING, "7 greetings failed"),
        ({"database": replace(DATABASE, months=MONTHS[:2])}, Level.WARNING, "Only 1 of the coming"),
        ({"database": replace(DATABASE, months=MONTHS[:1])}, Level.ALARM, "Only 0 of the coming"),
        ({"oldest_transaction": 11 * MINUTE}, Level.WARNING, "open for 11 minutes"),
    ],
)
def test_each_trouble_is_named(facts: dict[str, object], level: Level, text: str) -> None:
    (trouble,) = judge(replace(WELL, **facts))  # type: ignore[arg-type] # as the fields are
    assert trouble.level is level
    assert text in trouble.text
    assert trouble.todo


@pytest.mark.parametrize(
    "facts",
    [
        {"is_broker_reachable": None},
        {"depth": None},
        {"depth": replace(DEPTH, workers=None)},
        {"on_the_way": replace(ON_THE_WAY, oldest_due_at=None)},
        {"database": replace(DATABASE, paces=[ProviderPace("ses", None, NOW - MINUTE, NOW)])},
    ],
)
def test_what_is_not_known_or_is_over_is_no_trouble(facts: dict[str, object]) -> None:
    assert judge(replace(WELL, **facts)) == []  # type: ignore[arg-type] # as the fields are


def test_the_worst_stands_first() -> None:
    found = judge(replace(WELL, is_broker_reachable=False, database=None))
    assert [trouble.level for trouble in found] == [Level.ALARM, Level.WARNING]


def test_months_ahead_end_at_a_gap() -> None:
    december = date(2027, 12, 31)
    months = [*MONTHS, MonthSize(date(2028, 1, 1), None, 0), MonthSize(date(2028, 3, 1), None, 0)]
    assert months_ahead(replace(DATABASE, months=months), december) == 1
    assert months_ahead(DATABASE, NOW.date()) == 11
