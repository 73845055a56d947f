"""What is wrong is said in plain words, the worst first."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from heyday.domain.condition import judge
from heyday.domain.condition_facts import Facts, SchedulerFacts, missing_months
from heyday.domain.condition_ports import (
    DatabaseFacts,
    Failing,
    MonthSize,
    ProviderPace,
    SchemaFacts,
    ServerFacts,
)
from heyday.domain.queue_ports import QueueDepth, TransportName
from heyday.domain.standing_ports import Backlog, Stage, Standing
from heyday.domain.troubles import Level, Part

NOW = datetime(2027, 1, 14, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MONTHS = [MonthSize(date(2027, month, 1), 10, 8192) for month in range(1, 13)]
DATABASE = DatabaseFacts("18.6", 1 << 20, MONTHS, [], failed=0)
SCHEMA = SchemaFacts("18.6", "0022", "0022", frozenset(month.month for month in MONTHS))
SAFE = {
    "autovacuum": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "max_connections": "100",
    "server_encoding": "UTF8",
    "server_version_num": "180006",
    "superuser_reserved_connections": "3",
    "synchronous_commit": "on",
}
SERVER = ServerFacts(SAFE, 5, is_replica=False, took=timedelta(milliseconds=3), pool_max=20)
DEPTH = QueueDepth(TransportName.RABBITMQ, waiting=3, workers=2, dead=0)
BACKLOG = {
    Stage.PLANNED: Backlog(1, NOW - 2 * MINUTE),
    Stage.RETRYING: Backlog(1, NOW - 60 * MINUTE),
    Stage.LEAVING: Backlog(3, NOW - 2 * MINUTE),
}
STANDING = Standing(BACKLOG, NOW + 23 * HOUR, {}, 2, 0, {})
WELL = Facts(
    now=NOW,
    is_broker_reachable=True,
    clock_doubt=None,
    schedulers=[SchedulerFacts("daily", is_overdue=False, error=None, last_at=NOW)],
    depth=DEPTH,
    database=DATABASE,
    standing=STANDING,
    oldest_transaction=5 * MINUTE,
    schema=SCHEMA,
    tzdb_version="2026b",
    server=SERVER,
    unplanned=0,
)
AWAY: dict[str, Any] = {"database": None, "standing": None, "schema": None}


def server(**settings: str) -> dict[str, object]:
    """Return the fact of a server with other settings."""
    return {"server": replace(SERVER, settings={**SAFE, **settings})}


def database(**facts: object) -> dict[str, object]:
    """Return the fact of a database that tells something else."""
    return {"database": replace(DATABASE, **facts)}  # type: ignore[arg-type] # as the fields are


def standing(**facts: object) -> dict[str, object]:
    """Return the fact of a Heyday that stands otherwise."""
    return {"standing": replace(STANDING, **facts)}  # type: ignore[arg-type] # as the fields are


def succeeded(**ago: timedelta) -> dict[str, object]:
    """Return the fact of jobs that last began to succeed so long ago."""
    return standing(succeeded_at={job: NOW - each for job, each in ago.items()})


def waiting(stage: Stage, since: datetime | None) -> dict[str, object]:
    """Return the fact of a backlog."""
    return standing(backlog={**BACKLOG, stage: Backlog(1, since)})


def failing(greetings: int, seconds: float) -> dict[str, object]:
    """Return the fact of a sender that has taken nothing for as long."""
    since = NOW - timedelta(seconds=seconds)
    return database(failing=[Failing("http", greetings, since)])


def test_where_all_is_well_nothing_is_said() -> None:
    assert judge(WELL) == []


@pytest.mark.parametrize(
    ("facts", "level", "text"),
    [
        (AWAY, Level.ALARM, "PostgreSQL does not answer"),
        ({"database": None}, Level.WARNING, "does not tell how it is"),
        ({"standing": None}, Level.WARNING, "does not tell how it is"),
        (
            {"database": None, "schema": replace(SCHEMA, revision="0021")},
            Level.ALARM,
            "has revision 0021; this release needs 0022",
        ),
        (
            {"database": None, "schema": replace(SCHEMA, revision=None, months=frozenset())},
            Level.ALARM,
            "has revision none",
        ),
        (
            {"schema": replace(SCHEMA, months=SCHEMA.months - {date(2027, 1, 1)})},
            Level.ALARM,
            "This month has not all of its partitions",
        ),
        (server(fsync="off"), Level.WARNING, "fsync is off"),
        (server(full_page_writes="off"), Level.WARNING, "full_page_writes is off"),
        (server(synchronous_commit="off"), Level.WARNING, "synchronous_commit is off"),
        (server(autovacuum="off"), Level.WARNING, "autovacuum is off"),
        (server(server_encoding="LATIN1"), Level.WARNING, "not in UTF-8 but LATIN1"),
        (server(server_version_num="140011"), Level.ALARM, "of version 14"),
        (server(server_version_num="190000"), Level.WARNING, "of version 19"),
        (server(max_connections="23"), Level.ALARM, "20 connections; one process of Heyday"),
        (
            {"server": replace(SERVER, sessions=90)},
            Level.WARNING,
            "90 of the 97 connections",
        ),
        ({"server": replace(SERVER, is_replica=True)}, Level.ALARM, "a replica"),
        ({"server": replace(SERVER, took=timedelta(seconds=1))}, Level.WARNING, "took 1000 ms"),
        (database(stuck=3), Level.WARNING, "3 greetings are with workers"),
        (
            standing(planned_until=NOW + 119 * MINUTE),
            Level.ALARM,
            "planned up to 2027-01-14 13:59:00",
        ),
        (
            standing(planned_until=NOW + 23 * HOUR - MINUTE),
            Level.WARNING,
            "planned up to 2027-01-15 10:59:00",
        ),
        ({"unplanned": 4}, Level.WARNING, "4 greetings were due by the calendar"),
        (
            standing(tzdb_versions={"2026a": 1, "2026b": 4}),
            Level.WARNING,
            "by an older tz database",
        ),
        (standing(tzdb_versions={"2026c": 1}), Level.WARNING, "goes by a newer tz database"),
        ({"tzdb_version": "2025b"}, Level.WARNING, "The tz database is 2025b"),
        (database(lost_people=7), Level.WARNING, "7 people have a time zone"),
        (
            {
                "keep_months": 1,
                "database": replace(
                    DATABASE,
                    months=[
                        *MONTHS,
                        MonthSize(date(2026, 11, 1), 1, 1),
                        MonthSize(date(2026, 10, 1), 1, 1),
                    ],
                ),
            },
            Level.WARNING,
            "1 months are there that HEYDAY_KEEP_MESSAGES does not keep",
        ),
        (
            {**database(is_audit_stray=True), "is_close": True},
            Level.WARNING,
            "Lines of the audit log",
        ),
        (
            {"is_broker_reachable": False, "broker_misfit": "RabbitMQ holds a classic queue"},
            Level.WARNING,
            "RabbitMQ holds a classic queue. Workers take",
        ),
        (
            {
                "schedulers": [
                    SchedulerFacts("sweep", is_overdue=False, error="X", last_at=NOW, failures=3)
                ]
            },
            Level.ALARM,
            "The last 3 runs of the sweep scheduler",
        ),
        ({"hold": "it was restored"}, Level.ALARM, "Nothing leaves: it was restored."),
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
        (waiting(Stage.LEAVING, NOW - 3 * MINUTE), Level.ALARM, "3 minutes and have not left"),
        (waiting(Stage.PLANNED, NOW - 4 * MINUTE), Level.ALARM, "4 minutes, and nobody has queued"),
        (failing(3, 30), Level.WARNING, "http has taken nothing since 2027-01-14 11:59:30"),
        (failing(25, 90), Level.WARNING, "25 greetings that failed wait to be tried again."),
        (
            {"database": replace(DATABASE, paces=[ProviderPace("ses", 1.0, NOW + MINUTE, NOW)])},
            Level.WARNING,
            "ses asked to be left alone",
        ),
        (standing(unknown=2), Level.WARNING, "Of 2 greetings nobody knows"),
        ({"database": replace(DATABASE, failed=7)}, Level.WARNING, "7 greetings failed"),
        (standing(months_ahead=1), Level.WARNING, "Only 1 of the coming"),
        (standing(months_ahead=0), Level.ALARM, "Only 0 of the coming"),
        ({"oldest_transaction": 6 * MINUTE}, Level.WARNING, "open for 6 minutes"),
        (
            succeeded(daily=3 * HOUR, retention=26 * HOUR + MINUTE),
            Level.WARNING,
            "For 26 hours no daily run has let go",
        ),
        (succeeded(daily=HOUR + MINUTE), Level.WARNING, "For 1 hours no daily run has let go"),
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
        waiting(Stage.LEAVING, None),
        failing(2, 600),
        failing(500, 29),
        {"database": replace(DATABASE, paces=[ProviderPace("ses", None, NOW - MINUTE, NOW)])},
        {"server": None, "unplanned": None},
        standing(planned_until=None),
        {"schema": replace(SCHEMA, revision="0023")},
        succeeded(daily=12 * HOUR, retention=26 * HOUR),
        succeeded(daily=HOUR),
        # The daily run itself is told of.
        succeeded(daily=27 * HOUR, retention=27 * HOUR),
        succeeded(retention=27 * HOUR),
    ],
)
def test_what_is_not_known_or_is_over_is_no_trouble(facts: dict[str, object]) -> None:
    assert judge(replace(WELL, **facts)) == []  # type: ignore[arg-type] # as the fields are


def test_the_worst_stands_first() -> None:
    found = judge(
        replace(WELL, is_broker_reachable=False, database=None, standing=None, schema=None)
    )
    assert [trouble.level for trouble in found] == [Level.ALARM, Level.WARNING]


def test_of_months_this_one_and_the_next_must_be_there() -> None:
    assert missing_months(SCHEMA, NOW.date()) == []
    assert missing_months(SCHEMA, date(2027, 12, 31)) == [date(2028, 1, 1)]


def test_every_trouble_names_its_part() -> None:
    found = judge(replace(WELL, **AWAY, clock_doubt="a jump"))
    assert {trouble.part for trouble in found} == {Part.DATABASE, Part.CLOCKS}
