"""Set from when on something is a trouble: on the page, and for the alerts that ring.

The judge (condition.py and its neighbours) goes by these, and a test holds the rules of
deploy/prometheus/alerts.yml to them. Where a rule differs it has a name of its own, that ends in
RINGS, and is later than the page: who is woken finds there what woke them.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

LATE: Final = timedelta(minutes=2)
"""Due and not on its way: the minute's scheduler has missed it twice. The rule waits as long again.
"""

STUCK: Final = timedelta(minutes=2)
"""After a lease: a heartbeat comes each third of one, and the sweep within half a minute after."""

LEAST_FAILING: Final = 3
"""Greetings that failed with none accepted since: fewer may all have an address to blame."""

FAILING: Final = timedelta(seconds=30)
"""For how long: at random, a greeting is accepted by its fourth retry, which has begun by then."""

FAILING_RINGS: Final = timedelta(minutes=5)
"""For how long a breaker is open: many a provider is back by then."""

FAILED_WITHIN: Final = timedelta(days=1)
"""For how long it is told of greetings that failed: somebody looks once a day."""

PLAN_SHORT: Final = timedelta(hours=23)
"""Planned ahead: two days, less one until the next daily run, less an hour that it may take."""

PLAN_SHORT_RINGS: Final = timedelta(hours=20)
"""Three hours more, in which it is tried again; after the daily run is known to be overdue."""

PLAN_ENDS: Final = timedelta(hours=2)
"""An alarm on the page as well: what recovery plans by itself reaches no further."""

LEAST_GRACE: Final = timedelta(minutes=1)
"""How late a scheduler may be, at least: a busy machine may well be that late."""

MOST_GRACE: Final = timedelta(hours=1)
"""And at most, whatever its rhythm: between them it is half of it."""

DAILY_OVERDUE_RINGS: Final = timedelta(hours=26)
"""Since the daily run last began that ended well: a day, and twice what it may be late."""

RETENTION_OVERDUE: Final = timedelta(hours=26)
"""Since what follows each daily run last went well: a day, and twice what that may be late. The
rule waits an hour.
"""

RETENTION_TAKES: Final = timedelta(hours=1)
"""For how long it may do so the first time: there may be years of texts to empty."""

OVERDUE_RINGS: Final[Mapping[str, timedelta]] = {
    "minute": timedelta(minutes=5),
    "recovery": timedelta(minutes=30),
}
"""Since a run of these last ended well: more of their rhythm than a restart takes."""

FAILED_RUNS: Final = 1
"""Runs that failed in a row: one may have met a restart, and the next tries again."""

FAILED_RUNS_RINGS: Final = 3
"""Runs that failed in a quarter of an hour: a restart of PostgreSQL costs as many."""

OLD_TRANSACTION: Final = timedelta(minutes=5)
"""Heyday's own last seconds, and a report of somebody else minutes. The rule waits as long again.
"""

LEAST_MONTHS_AHEAD: Final = 2
"""With fewer months there is little time left to find out why none are made."""

SLOW_ANSWER: Final = timedelta(milliseconds=250)
"""To a small question: a batch asks several, and is late by each."""

FULL: Final = 0.8
"""Of the connections that PostgreSQL takes: one process more takes the rest."""

OLD_TZDB_YEARS: Final = 2
"""Hardly a year goes by in which no country changes its clocks."""
