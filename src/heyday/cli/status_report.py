"""Write an overview down for programs."""

from heyday.domain.day_figures import Fate
from heyday.domain.send_line import Turn
from heyday.services.condition import Condition
from heyday.services.health import SchedulerHealth
from heyday.services.overview import Overview


def report(overview: Overview) -> dict[str, object]:
    """Return it as a document for JSON; what is not known is null."""
    figures, present = overview.figures, overview.present
    return {
        "now": overview.now.isoformat(),
        "leaving_now": [_turn(turn) for turn in overview.here],
        "next": _turn(overview.following) if overview.following else None,
        "today": {"due": figures.due} | {fate.value: figures.totals[fate] for fate in Fate}
        if figures
        else None,
        "lateness_seconds": {
            "p50": figures.lateness_at(0.5) if figures else None,
            "p99": figures.lateness_at(0.99) if figures else None,
        },
        "overdue": present.attention.overdue if present else None,
        **_condition(overview.condition),
    }


def _turn(turn: Turn) -> dict[str, object]:
    return {"at": turn.send_at.isoformat(), "timezones": list(turn.timezones)}


def _condition(condition: Condition) -> dict[str, object]:
    queue, database = condition.queue, condition.database
    depth = queue.depth if queue else None
    return {
        "health": condition.health.status,
        "on_the_way": {
            "coming": queue.on_the_way.coming,
            "queued": list(queue.on_the_way.queued),
            "sending": queue.on_the_way.sending,
        }
        if queue
        else None,
        "queue": {
            "transport": depth.transport,
            "waiting": depth.waiting,
            "workers": depth.workers,
            "dead": depth.dead,
        }
        if depth
        else None,
        "senders": [
            {
                "name": pace.provider,
                "rate": pace.rate,
                "blocked_until": pace.blocked_until and pace.blocked_until.isoformat(),
            }
            for pace in (database.paces if database else ())
        ],
        "schedulers": [_scheduler(each) for each in condition.health.schedulers],
        "troubles": [
            {"part": t.part, "level": t.level, "says": t.text, "todo": t.todo}
            for t in condition.troubles
        ],
    }


def _scheduler(health: SchedulerHealth) -> dict[str, object]:
    return {
        "name": health.name,
        "last_run_at": health.last_run and health.last_run.started_at.isoformat(),
        "next_run_at": health.next_run_at.isoformat(),
        "lag_seconds": health.lag.total_seconds(),
        "failures_in_a_row": health.failures,
        "is_overdue": health.is_overdue,
    }
