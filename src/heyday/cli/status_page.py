"""Draw an overview for a terminal."""

from collections.abc import Iterator
from datetime import UTC, timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from heyday.domain.day_figures import Fate
from heyday.domain.places import city_of
from heyday.domain.queue_ports import AGES
from heyday.domain.send_line import Turn
from heyday.domain.troubles import Level
from heyday.domain.wall_clock import write_instant, write_span
from heyday.services.overview import Overview

_SHOWN = 6
_STYLES = {Level.ALARM: "bold red", Level.WARNING: "yellow"}
_UNKNOWN = "-"


def draw(overview: Overview) -> RenderableType:
    """Return the page: plain text where there are no colours."""
    return Group(
        Text(f"Heyday {overview.condition.health.version}, {write_instant(overview.now)}"),
        *_line("Leaving now", _here(overview)),
        *_line("Next", _following(overview)),
        *_line("Today", _figures(overview)),
        *_line("Lateness", _lateness(overview)),
        *_line("On the way", _on_the_way(overview)),
        *_line("Queue", _queue(overview)),
        *_line("Senders", _senders(overview)),
        Text(),
        _schedulers(overview),
        Text(),
        *_troubles(overview),
    )


def _line(name: str, text: str) -> Iterator[Text]:
    yield Text.assemble((f"{name:<13}", "bold"), text)


def _here(overview: Overview) -> str:
    if not overview.here:
        return "nowhere"
    return "; ".join(_cities(turn) for turn in overview.here)


def _following(overview: Overview) -> str:
    turn = overview.following
    if turn is None:
        return "tomorrow (UTC)"
    return f"{turn.send_at.astimezone(UTC):%H:%M} UTC: {_cities(turn)}"


def _cities(turn: Turn) -> str:
    cities = list(dict.fromkeys(city_of(name) for name in turn.timezones))
    more = len(cities) - _SHOWN
    return ", ".join(cities[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _figures(overview: Overview) -> str:
    figures = overview.figures
    if figures is None:
        return _UNKNOWN
    count = figures.totals
    numbers = {
        "due": figures.due,
        "planned": count[Fate.PLANNED],
        "under way": count[Fate.WAITING],
        "sent on time": count[Fate.SENT],
        "sent late": count[Fate.LATE],
        "failed": count[Fate.FAILED] + count[Fate.REFUSED],
        "unknown": count[Fate.UNKNOWN],
        "skipped": count[Fate.SKIPPED] + count[Fate.TOO_LATE],
        "cancelled": count[Fate.CANCELLED],
    }
    return ", ".join(f"{number:,} {name}" for name, number in numbers.items())


def _lateness(overview: Overview) -> str:
    figures = overview.figures
    found = {
        "p50": figures.lateness_at(0.5) if figures else None,
        "p99": figures.lateness_at(0.99) if figures else None,
    }
    told = [f"{name} {_seconds(value)}" for name, value in found.items()]
    overdue = f"{overview.present.attention.overdue:,}" if overview.present else _UNKNOWN
    return f"{', '.join(told)}; {overdue} overdue"


def _seconds(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.2f} s"


def _on_the_way(overview: Overview) -> str:
    queue = overview.condition.queue
    if queue is None:
        return _UNKNOWN
    ages = ["just due", *(f"due for {write_span(age)}" for age in AGES[1:])]
    told = [f"{n:,} {age}" for n, age in zip(queue.on_the_way.queued, ages, strict=True) if n]
    way = queue.on_the_way
    return ", ".join([f"{way.coming:,} coming", *told, f"{way.sending:,} with a worker"])


def _queue(overview: Overview) -> str:
    queue = overview.condition.queue
    depth = queue.depth if queue else None
    if depth is None:
        return "does not answer"
    workers = "" if depth.workers is None else f", {depth.workers:,} workers ask"
    return f"{depth.transport}: {depth.waiting:,} batches wait{workers}, {depth.dead:,} set aside"


def _senders(overview: Overview) -> str:
    database, queue = overview.condition.database, overview.condition.queue
    told = []
    for pace in database.paces if database else ():
        if pace.blocked_until and pace.blocked_until > overview.now:
            told.append(f"{pace.provider} left alone until {write_instant(pace.blocked_until)}")
        elif pace.rate is None:
            told.append(f"{pace.provider} as fast as it answers")
        else:
            told.append(f"{pace.provider} at most {pace.rate:.1f} a second")
    days = queue.days if queue else ()
    told += [f"{use.provider} today {use.used:,} of {use.cap:,}" for use in days]
    return "; ".join(told) or "nothing holds them back"


def _schedulers(overview: Overview) -> Table:
    table = Table("scheduler", "state", "last run", "took", "did", box=None, pad_edge=False)
    for each in overview.condition.health.schedulers:
        run = each.last_run
        ended = run.finished_at if run else None
        did = [f"{name} {n:,}" for name, n in (run.counts if run else {}).items() if n]
        table.add_row(
            each.name,
            "overdue" if each.is_overdue else (run.error if run and run.error else "well"),
            write_instant(run.started_at) if run else "never",
            f"{(ended - run.started_at) / timedelta(seconds=1):.2f} s" if run and ended else "-",
            ", ".join(did),
        )
    return table


def _troubles(overview: Overview) -> Iterator[Text]:
    for trouble in overview.condition.troubles:
        yield Text(trouble.text, _STYLES[trouble.level])
        yield Text(f"  {trouble.todo}")
    if not overview.condition.troubles:
        yield Text("All is well: nothing needs you.", "green")
