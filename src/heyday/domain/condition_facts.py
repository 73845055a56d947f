"""Hold what Heyday's condition is judged by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from heyday.domain.condition_ports import DatabaseFacts, SchemaFacts, ServerFacts
from heyday.domain.queue_ports import QueueDepth
from heyday.domain.standing_ports import Standing


@dataclass(frozen=True, slots=True)
class SchedulerFacts:
    """Tell how one scheduler does. last_at: when it last began; None: never.

    failures: how many runs have failed in a row.
    """

    name: str
    is_overdue: bool
    error: str | None
    last_at: datetime | None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold what is judged.

    is_broker_reachable: None where there is none.   clock_doubt: why the time cannot be trusted.
    depth: None while the transport does not answer.   database, standing, schema: None while
    PostgreSQL does not answer.   oldest_transaction: for how long it has kept dead rows.
    tzdb_version: that this process goes by.   server: None where it was not asked.
    unplanned: greetings that are due by the calendar, yet have no row; None: not counted.
    broker_misfit: what the broker holds in place of what Heyday needs.   is_close: somebody looks
    once, and closely: what may come by itself is told as well.   keep_months: for how many whole
    months greetings are kept; 0: for ever.   hold: why nothing is planned or sent,
    whatever the time.
    """

    now: datetime
    is_broker_reachable: bool | None
    clock_doubt: str | None
    schedulers: Sequence[SchedulerFacts]
    depth: QueueDepth | None
    database: DatabaseFacts | None
    standing: Standing | None
    oldest_transaction: timedelta
    schema: SchemaFacts | None
    tzdb_version: str
    server: ServerFacts | None = None
    unplanned: int | None = None
    broker_misfit: str | None = None
    is_close: bool = False
    keep_months: int = 0
    hold: str | None = None


def missing_months(schema: SchemaFacts, today: date) -> list[date]:
    """Return of this month and the next those that have not all of their partitions."""
    this_month = today.replace(day=1)
    next_month = (this_month + timedelta(days=31)).replace(day=1)
    return [month for month in (this_month, next_month) if month not in schema.months]


def months_too_old(database: DatabaseFacts, today: date, keep: int) -> int:
    """Return how many months ended more than `keep` whole months ago."""
    this_month = today.year * 12 + today.month
    ages = [this_month - (each.month.year * 12 + each.month.month) for each in database.months]
    return sum(age > keep + 1 for age in ages)
