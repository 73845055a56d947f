"""Judge how Heyday is, in plain words: what is wrong, and what to do about it."""

from collections.abc import Iterator
from datetime import date, timedelta

from heyday.domain.condition_database import of_schema, of_server
from heyday.domain.condition_facts import Facts, missing_months, months_too_old
from heyday.domain.condition_plans import of_plans, of_zones
from heyday.domain.condition_ports import SchemaFacts
from heyday.domain.standing_ports import Stage
from heyday.domain.thresholds import (
    FAILED_RUNS,
    FAILING,
    LATE,
    LEAST_FAILING,
    LEAST_MONTHS_AHEAD,
    OLD_TRANSACTION,
    RETENTION_OVERDUE,
    RETENTION_TAKES,
)
from heyday.domain.troubles import Level, Part, Trouble, _
from heyday.domain.wall_clock import write_instant

_LATE_WORDS = {
    Stage.PLANNED: (
        _("Greetings have been due for %(minutes)s minutes, and nobody has queued them."),
        _("See that `heyday scheduler` runs, and look at its log."),
    ),
    Stage.LEAVING: (
        _("Greetings have been due for %(minutes)s minutes and have not left."),
        _("See that workers run, and whether the provider answers; more workers send faster."),
    ),
}


def judge(facts: Facts) -> list[Trouble]:
    """Return what is wrong, the worst first; nothing where all is well."""
    found = [
        *_of_database(facts),
        *_of_hold(facts),
        *_of_clock(facts),
        *_of_schedulers(facts),
        *_of_retention(facts),
        *of_plans(facts),
        *_of_queue(facts),
        *_of_backlog(facts),
        *_of_providers(facts),
        *_of_failing(facts),
        *_of_greetings(facts),
        *_of_months(facts),
        *_of_transactions(facts),
        *of_zones(facts),
    ]
    return sorted(found, key=lambda trouble: list(Level).index(trouble.level))


def _of_database(facts: Facts) -> Iterator[Trouble]:
    if facts.schema:
        yield from of_schema(facts.schema)
    if facts.server:
        yield from of_server(facts.server)
    if facts.schema is None:
        yield Trouble(
            Part.DATABASE,
            Level.ALARM,
            _("PostgreSQL does not answer. Nothing is planned or sent meanwhile."),
            _("Start it, or look at its log. What fell due is sent as soon as it is back."),
        )
    elif not (facts.database and facts.standing) and not facts.schema.is_behind:
        yield Trouble(
            Part.DATABASE,
            Level.WARNING,
            _("PostgreSQL answers, but does not tell how it is."),
            _("Look at its load, and for part_did_not_answer in the log of Heyday."),
        )


def _of_hold(facts: Facts) -> Iterator[Trouble]:
    if facts.hold:
        yield Trouble(
            Part.GREETINGS,
            Level.ALARM,
            _("Nothing leaves: %(hold)s."),
            _("docs/backup.md goes through it step by step; a full disk wants room alone."),
            {"hold": facts.hold},
        )


def _of_clock(facts: Facts) -> Iterator[Trouble]:
    if facts.clock_doubt:
        yield Trouble(
            Part.CLOCKS,
            Level.ALARM,
            _("The clocks cannot be trusted, so nothing is sent: %(doubt)s."),
            _("Look at the time service, such as chrony, of this machine and of PostgreSQL's."),
            {"doubt": facts.clock_doubt},
        )


def _of_schedulers(facts: Facts) -> Iterator[Trouble]:
    never = [each.name for each in facts.schedulers if each.last_at is None]
    if facts.is_close and never:
        yield Trouble(
            Part.SCHEDULERS,
            Level.ALARM,
            _("These schedulers have never run: %(names)s."),
            _("Start `heyday scheduler`, or `heyday up`, which is everything in one."),
            {"names": ", ".join(never)},
        )
    for each in facts.schedulers:
        if each.is_overdue:
            yield Trouble(
                Part.SCHEDULERS,
                Level.ALARM,
                _("The %(name)s scheduler has not run when it should have."),
                _("See that `heyday scheduler` runs, and look at its log."),
                {"name": each.name},
            )
        elif each.failures > FAILED_RUNS:
            yield Trouble(
                Part.SCHEDULERS,
                Level.ALARM,
                _("The last %(failures)s runs of the %(name)s scheduler ended in an error."),
                _("Look for job_failed in the log of `heyday scheduler`: it names what failed."),
                {"name": each.name, "failures": each.failures},
            )
        elif each.error:
            yield Trouble(
                Part.SCHEDULERS,
                Level.WARNING,
                _("The last run of the %(name)s scheduler ended in an error: %(error)s."),
                _("The next run tries again. If that fails too, look for job_failed in the log."),
                {"name": each.name, "error": each.error},
            )


def _of_retention(facts: Facts) -> Iterator[Trouble]:
    """Tell of what follows each daily run, where these go well themselves."""
    done = facts.standing.succeeded_at if facts.standing else {}
    daily, last = done.get("daily"), done.get("retention")
    if daily is None or facts.now - daily > RETENTION_OVERDUE:
        return
    waited = facts.now - (last or daily)
    if waited > (RETENTION_OVERDUE if last else RETENTION_TAKES):
        yield Trouble(
            Part.SCHEDULERS,
            Level.WARNING,
            _("For %(hours)s hours no daily run has let go of all that is old, and made months."),
            _(
                "Mend what retention_step_failed in the log of `heyday scheduler` names, then: "
                "heyday jobs run daily."
            ),
            {"hours": waited // timedelta(hours=1)},
        )


def _of_queue(facts: Facts) -> Iterator[Trouble]:
    if facts.broker_misfit:
        yield Trouble(
            Part.TRANSPORT,
            Level.WARNING,
            _("%(misfit)s. Workers take what is due from PostgreSQL meanwhile."),
            _("Nothing is lost with its queues: what is due is queued again."),
            {"misfit": facts.broker_misfit},
        )
    elif facts.is_broker_reachable is False:
        yield Trouble(
            Part.TRANSPORT,
            Level.WARNING,
            _("RabbitMQ does not answer. Workers take what is due from PostgreSQL meanwhile."),
            _("Start it, or look at its log. Nothing is lost with its queues."),
        )
    if facts.depth and facts.depth.dead:
        yield Trouble(
            Part.TRANSPORT,
            Level.WARNING,
            _("%(dead)s batches were set aside, because they failed again and again."),
            _("`heyday queue dead list` shows why; `replay` delivers them again."),
            {"dead": facts.depth.dead},
        )
    if facts.depth and facts.depth.workers == 0:
        yield Trouble(
            Part.TRANSPORT,
            Level.ALARM,
            _("No worker asks for batches."),
            _("Start one: heyday worker."),
        )


def _of_backlog(facts: Facts) -> Iterator[Trouble]:
    for stage, (says, todo) in _LATE_WORDS.items():
        oldest = facts.standing.backlog[stage].oldest_at if facts.standing else None
        if oldest and facts.now - oldest > LATE:
            minutes = (facts.now - oldest) // timedelta(minutes=1)
            yield Trouble(Part.BACKLOG, Level.ALARM, says, todo, {"minutes": minutes})
    if facts.database and facts.database.stuck:
        yield Trouble(
            Part.BACKLOG,
            Level.WARNING,
            _("%(stuck)s greetings are with workers that have not been heard of for minutes."),
            _("The sweep takes them over: see that `heyday scheduler` runs."),
            {"stuck": facts.database.stuck},
        )


def _of_providers(facts: Facts) -> Iterator[Trouble]:
    for pace in facts.database.paces if facts.database else ():
        if pace.blocked_until and pace.blocked_until > facts.now:
            yield Trouble(
                Part.SENDERS,
                Level.WARNING,
                _("The provider %(provider)s asked to be left alone for a while."),
                _("It is called again by itself. If it asks often, set HEYDAY_RATE_LIMIT lower."),
                {"provider": pace.provider},
            )


def _of_failing(facts: Facts) -> Iterator[Trouble]:
    """Tell of a provider that is away before greetings are late by it, and not of bad luck."""
    for each in facts.database.failing if facts.database else ():
        if each.greetings >= LEAST_FAILING and facts.now - each.since >= FAILING:
            yield Trouble(
                Part.SENDERS,
                Level.WARNING,
                _(
                    "The provider %(provider)s has taken nothing since %(since)s: %(greetings)s "
                    "greetings that failed wait to be tried again."
                ),
                _("Look how it is: Messages shows what it answered. They leave when it is back."),
                {
                    "provider": each.sender,
                    "since": write_instant(each.since),
                    "greetings": each.greetings,
                },
            )


def _of_greetings(facts: Facts) -> Iterator[Trouble]:
    if facts.standing and facts.standing.unknown:
        yield Trouble(
            Part.GREETINGS,
            Level.WARNING,
            _("Of %(unknown)s greetings nobody knows whether they arrived."),
            _("Look into the provider's own records, and settle each under Messages."),
            {"unknown": facts.standing.unknown},
        )
    if facts.database and facts.database.failed:
        yield Trouble(
            Part.GREETINGS,
            Level.WARNING,
            _("%(failed)s greetings failed within a day."),
            _("Messages shows why each did: most often an address that there is not."),
            {"failed": facts.database.failed},
        )


def _of_months(facts: Facts) -> Iterator[Trouble]:
    today = facts.now.date()
    if facts.schema and not facts.schema.is_behind and _is_month_missing(facts.schema, today):
        yield Trouble(
            Part.PARTITIONS,
            Level.ALARM,
            _("This month has not all of its partitions, so that nothing can be planned in it."),
            _("Make them: heyday db create-partitions."),
        )
    if facts.standing and (ahead := facts.standing.months_ahead) < LEAST_MONTHS_AHEAD:
        yield Trouble(
            Part.PARTITIONS,
            Level.WARNING if ahead else Level.ALARM,
            _("Only %(ahead)s of the coming months have a partition."),
            _("The daily run makes them ahead; by hand: heyday db create-partitions."),
            {"ahead": ahead},
        )
    if facts.database is None:
        return
    old = months_too_old(facts.database, today, facts.keep_months) if facts.keep_months else 0
    if old:
        yield Trouble(
            Part.PARTITIONS,
            Level.WARNING,
            _("%(months)s months are there that HEYDAY_KEEP_MESSAGES does not keep."),
            _("A greeting in each has not come to its end: settle it, and the daily run drops it."),
            {"months": old},
        )
    if facts.is_close and facts.database.is_audit_stray:
        yield Trouble(
            Part.PARTITIONS,
            Level.WARNING,
            _("Lines of the audit log lie in no month, as theirs had no partition."),
            _("`heyday db create-partitions` makes the months, and moves them there."),
        )


def _is_month_missing(schema: SchemaFacts, today: date) -> bool:
    return today.replace(day=1) in missing_months(schema, today)


def _of_transactions(facts: Facts) -> Iterator[Trouble]:
    if facts.oldest_transaction > OLD_TRANSACTION:
        yield Trouble(
            Part.DATABASE,
            Level.WARNING,
            _("A transaction has been open for %(minutes)s minutes and keeps dead rows."),
            _("pg_stat_activity names it (xact_start); end it, or what holds it."),
            {"minutes": facts.oldest_transaction // timedelta(minutes=1)},
        )
