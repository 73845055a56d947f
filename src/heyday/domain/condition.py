"""Judge how Heyday is, in plain words: what is wrong, and what to do about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from heyday.domain.condition_ports import DatabaseFacts
from heyday.domain.queue_ports import OnTheWay, QueueDepth

LEAST_MONTHS_AHEAD: Final = 2
"""With fewer months there is little time left to find out why none are made."""
_LATE = timedelta(minutes=2)
_OLD_TRANSACTION = timedelta(minutes=10)


class Level(StrEnum):
    """Say how much a trouble matters. ALARM: greetings do not leave, or not on time."""

    ALARM = "alarm"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Say what is wrong and what to do, in English; `values` go into places such as %(name)s."""

    level: Level
    says: str
    todo: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return what is wrong as a sentence."""
        return self.says % self.values


@dataclass(frozen=True, slots=True)
class SchedulerFacts:
    """Tell how one scheduler does. last_at: when it last began; None: never."""

    name: str
    is_overdue: bool
    error: str | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold what is judged.

    is_broker_reachable: None where there is none.   clock_doubt: why the time cannot be trusted.
    depth: None while the transport does not answer.   database, on_the_way: None while PostgreSQL
    does not answer.   oldest_transaction: for how long it has kept dead rows.
    """

    now: datetime
    is_broker_reachable: bool | None
    clock_doubt: str | None
    schedulers: Sequence[SchedulerFacts]
    depth: QueueDepth | None
    on_the_way: OnTheWay | None
    database: DatabaseFacts | None
    oldest_transaction: timedelta


def judge(facts: Facts) -> list[Trouble]:
    """Return what is wrong, the worst first; nothing where all is well."""
    found = [
        *_of_database(facts),
        *_of_clock(facts),
        *_of_schedulers(facts),
        *_of_queue(facts),
        *_of_providers(facts),
        *_of_greetings(facts),
        *_of_months(facts),
        *_of_transactions(facts),
    ]
    return sorted(found, key=lambda trouble: list(Level).index(trouble.level))


def _(text: str) -> str:
    """Mark a text for translation; who shows it translates it."""
    return text


def _of_database(facts: Facts) -> Iterator[Trouble]:
    if facts.database is None:
        yield Trouble(
            Level.ALARM,
            _("PostgreSQL does not answer. Nothing is planned or sent meanwhile."),
            _("Start it, or look at its log. What fell due is sent as soon as it is back."),
        )


def _of_clock(facts: Facts) -> Iterator[Trouble]:
    if facts.clock_doubt:
        yield Trouble(
            Level.ALARM,
            _("The clocks cannot be trusted, so nothing is sent: %(doubt)s."),
            _("Look at the time service, such as chrony, of this machine and of PostgreSQL's."),
            {"doubt": facts.clock_doubt},
        )


def _of_schedulers(facts: Facts) -> Iterator[Trouble]:
    for each in facts.schedulers:
        if each.is_overdue:
            yield Trouble(
                Level.ALARM,
                _("The %(name)s scheduler has not run when it should have."),
                _("See that `heyday scheduler` runs, and look at its log."),
                {"name": each.name},
            )
        elif each.error:
            yield Trouble(
                Level.WARNING,
                _("The last run of the %(name)s scheduler ended in an error: %(error)s."),
                _("The next run tries again. If that fails too, look for job_failed in the log."),
                {"name": each.name, "error": each.error},
            )


def _of_queue(facts: Facts) -> Iterator[Trouble]:
    if facts.is_broker_reachable is False:
        yield Trouble(
            Level.WARNING,
            _("RabbitMQ does not answer. Workers take what is due from PostgreSQL meanwhile."),
            _("Start it, or look at its log. Nothing is lost with its queues."),
        )
    if facts.depth and facts.depth.dead:
        yield Trouble(
            Level.WARNING,
            _("%(dead)s batches were set aside, because they failed again and again."),
            _("`heyday queue dead list` shows why; `replay` delivers them again."),
            {"dead": facts.depth.dead},
        )
    if facts.depth and facts.depth.workers == 0:
        yield Trouble(
            Level.ALARM,
            _("No worker asks for batches."),
            _("Start one: heyday worker."),
        )
    oldest = facts.on_the_way.oldest_due_at if facts.on_the_way else None
    if oldest and facts.now - oldest > _LATE:
        yield Trouble(
            Level.ALARM,
            _("Greetings have been due for %(minutes)s minutes and have not left."),
            _("See that workers run, and whether the provider answers; more workers send faster."),
            {"minutes": (facts.now - oldest) // timedelta(minutes=1)},
        )


def _of_providers(facts: Facts) -> Iterator[Trouble]:
    for pace in facts.database.paces if facts.database else ():
        if pace.blocked_until and pace.blocked_until > facts.now:
            yield Trouble(
                Level.WARNING,
                _("The provider %(provider)s asked to be left alone for a while."),
                _("It is called again by itself. If it asks often, set HEYDAY_RATE_LIMIT lower."),
                {"provider": pace.provider},
            )


def _of_greetings(facts: Facts) -> Iterator[Trouble]:
    if facts.database and facts.database.unknown:
        yield Trouble(
            Level.WARNING,
            _("Of %(unknown)s greetings nobody knows whether they arrived."),
            _("Look into the provider's own records, and settle each under Messages."),
            {"unknown": facts.database.unknown},
        )
    if facts.database and facts.database.failed:
        yield Trouble(
            Level.WARNING,
            _("%(failed)s greetings failed within a day."),
            _("Messages shows why each did: most often an address that there is not."),
            {"failed": facts.database.failed},
        )


def _of_months(facts: Facts) -> Iterator[Trouble]:
    if facts.database is None:
        return
    ahead = months_ahead(facts.database, facts.now.date())
    if ahead < LEAST_MONTHS_AHEAD:
        yield Trouble(
            Level.WARNING if ahead else Level.ALARM,
            _("Only %(ahead)s of the coming months have a partition."),
            _("The daily run makes them ahead; by hand: heyday db create-partitions."),
            {"ahead": ahead},
        )


def _of_transactions(facts: Facts) -> Iterator[Trouble]:
    if facts.oldest_transaction > _OLD_TRANSACTION:
        yield Trouble(
            Level.WARNING,
            _("A transaction has been open for %(minutes)s minutes and keeps dead rows."),
            _("pg_stat_activity names it (xact_start); end it, or what holds it."),
            {"minutes": facts.oldest_transaction // timedelta(minutes=1)},
        )


def months_ahead(database: DatabaseFacts, today: date) -> int:
    """Return how many of the months that follow this one are there, without a gap."""
    there = {month.month for month in database.months}
    ahead, month = 0, _next(today.replace(day=1))
    while month in there:
        ahead, month = ahead + 1, _next(month)
    return ahead


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
