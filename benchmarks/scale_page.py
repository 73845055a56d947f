"""Say in docs/scale.md what docs/scale.json holds: tables and pictures, each by its own name."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence

from benchmarks.pages import spread
from benchmarks.plot import COLOURS, Axis, Plot
from benchmarks.scale_costs import DATABASE, HEYDAY, WAYS
from benchmarks.scale_days import DAYS_A_YEAR
from benchmarks.scale_model import LOOK_AHEAD
from benchmarks.scale_reckoning import (
    PAGE,
    SERVER_CORES,
    WAL_RATE,
    Document,
    bytes_a_row,
    clock,
    databases,
    fullest_share,
    pages_each,
    short,
    size,
    span,
    step,
    step_share,
    value,
    wal_of_sending,
)
from benchmarks.scale_results import CORE_SHARE, HOLD, LIMITS, LISTS, ORDINARY, PEOPLE
from benchmarks.scale_storage import STEPS
from heyday.services.scheduling import SchedulerConfig
from heyday.settings import Settings
from heyday.workers.message import WorkerConfig

COMMAND = "make bench-scale"
CORE_HOUR, GIGABYTE_MONTH, MAILS = 0.05, 0.10, 100.0
"""Assumed prices in dollars: an hour of a core, a month of a gigabyte, a million mails."""

_ROW = {"logs": "message_logs, sent", "ledger": "idempotency_keys", "people": "users"}
_BATCH = SchedulerConfig().batch_size
# Fewer people need no more than one of everything, and burden no database.
_SOME, _MANY = 10_000_000, 100_000_000
# What a process may open, with the one that listens; and calls, by its lanes.
_CONNECTIONS = Settings.model_fields["pool_max"].default + 1
_IN_FLIGHT = WorkerConfig().lanes * Settings.model_fields["concurrency"].default


def parts(document: Document) -> dict[str, str]:
    """Return what stands between each pair of marks, by the name of the pair."""
    return {
        "figures": _figures(document),
        "due": _due(document),
        "machine": _machine(document),
        "cores": _cores(document),
        "load": _load(document),
        "provider": _provider(document),
        "storage": _storage(document),
        "cost": _cost(document),
    }


def pictures(document: Document) -> dict[str, str]:
    """Return the pictures of docs/, by file name."""
    return {"scale-day.svg": _day_plot(document), "scale-provider.svg": _provider_plot(document)}


def _figures(document: Document) -> str:
    stored = document["stored"]
    lines = [
        f"| {_named(figure)} | {figure['value']:,.0f} | {figure['source']} |"
        for figure in document["figures"]
    ]
    steps = [
        f"| to {name} it | "
        + " | ".join(spread(step(document, name, what), "{:,.0f}") for what in ("wal", "cpu"))
        + " |"
        for name in STEPS
    ]
    sizes = stored["sizes"]
    tables = [
        f"| {_a_row(table)} | {sizes[f'{table}: table']:,.0f} | {sizes[f'{table}: indexes']:,.0f} |"
        for table in dict.fromkeys(name.rpartition(": ")[0] for name in sizes)
    ]
    facts = ", ".join(f"{name} {value}" for name, value in stored["facts"].items())
    return (
        f"{_table(('figure', 'value', 'measured by'), lines)}\n\n"
        f"By `{document['command']}`: {stored['people']:,} people, whose\n"
        f"{stored['greetings']:,} greetings of a year were planned and sent. Medians of "
        f"{len(step(document, 'plan', 'wal'))} windows, with the range in\nbrackets. "
        f"{stored['hot']:.0%} of all updates touched no index (HOT).\n\n"
        f"{_table(('a greeting', 'bytes of WAL', 'us of its PostgreSQL process'), steps)}\n\n"
        f"{_table(('a row of', 'bytes in the table', 'in its indexes'), tables)}\n\n"
        f"{_wrapped(facts)}."
    )


def _a_row(table: str) -> str:
    name, _, when = table.partition(", ")
    return f"`{name}`" + (f", {when}" if when else "")


def _named(figure: Document) -> str:
    way = WAYS.get(figure["way"])
    return f"{way}: {figure['unit']}" if way else str(figure["unit"])


def _due(document: Document) -> str:
    rows = document["due"]
    lines = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        found = [row for row in rows if row["kind"] == kind]
        cells = [f"{short(row['greetings'])} ({short(row['fullest'])})" for row in found]
        lines.append(f"| {kind} | {found[0]['basis']} | {' | '.join(cells)} |")
    first = rows[0]
    share = first["fullest"] / first["greetings"]
    return (
        f"{_table(('day', 'of whom', *_people()), lines)}\n\n"
        "Greetings of the date, and in brackets those of its fullest second: "
        f"{share:.0%} of all, at {clock(first['at'])}\nUTC, when it is nine in China and from "
        "Perth to Irkutsk."
    )


def _machine(document: Document) -> str:
    lines = []
    for way, rows in _by_way(document["machine"]):
        for kind, found in _by_kind(rows):
            cells = [f"{span(row['p50'])}, {span(row['p99'])}" for row in found]
            name = f"{WAYS[way]}, {found[0]['rate']:,.0f}/s"
            lines.append(f"| {name} | {kind} | {' | '.join(cells)} |")
    head = ("sent by", "day", *_people())
    most = max(
        (row for row in document["due"] if row["kind"] == document["kinds"][LISTS]),
        key=lambda row: float(row["greetings"]),
    )
    planned = most["greetings"] / value(document, "plan", "")
    return (
        f"{_table(head, lines)}\n\nLateness of half of the date's greetings, and of 99 in 100. "
        f"To plan the largest of these days takes\nit {span(planned)}, two days before."
    )


def _cores(document: Document) -> str:
    queue = statistics.median(step(document, "queue", "cpu"))
    lines = []
    for row, day in _held(document, _SOME):
        schedulers = max(1, math.ceil(day["fullest"] / LOOK_AHEAD * queue / 1e6))
        cells = (
            short(row["people"]),
            row["kind"],
            WAYS[row["way"]],
            f"{row['rate']:,.0f}",
            f"{row['workers']:,}",
            f"{schedulers:,}",
            f"{row['database']:,}",
            f"{(row['workers'] + schedulers) * _CONNECTIONS:,}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    head = (
        "people",
        "day",
        "sent by",
        "leave a second",
        "workers",
        "schedulers",
        "cores of PostgreSQL",
        "connections at most",
    )
    a_worker = CORE_SHARE * 1e6 / value(document, HEYDAY, "single")
    return (
        f"{_table(head, lines)}\n\n"
        f"The fewest that let 99 of 100 greetings of the date leave within {HOLD:.0f} s, if "
        f"{CORE_SHARE:.0%} of each\ncore is spent and the provider takes all. A worker or a "
        f"scheduler is one process on one core.\nA worker so sends {a_worker:,.0f} a second one by "
        f"one. It has {_IN_FLIGHT} calls under way, so it does if a call\ntakes no longer than "
        f"{_IN_FLIGHT / a_worker * 1e3:.0f} ms."
    )


def _load(document: Document) -> str:
    lines = []
    first_way = document["holding"][0]["way"]
    for row, day in _held(document, _MANY):
        if row["way"] != first_way:
            continue
        share = day["fullest"] / day["people"]
        a_greeting = wal_of_sending(document, share)
        wal = row["rate"] * a_greeting
        cells = (
            short(row["people"]),
            row["kind"],
            f"{row['rate']:,.0f}",
            f"{a_greeting / 1e3:,.1f}",
            f"{wal / 1e6:,.0f}",
            f"{row['rate'] * pages_each(document, share):,.0f}",
            f"{row['rate'] / _BATCH:,.0f}",
            f"{databases(row['database'], wal):,}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    head = (
        "people",
        "day",
        "leave a second",
        "WAL a greeting, kB",
        "WAL, MB/s",
        "pages of `users` a second",
        "batches a second",
        "databases",
    )
    first, *others = step(document, "claim", "wal")
    share = step_share(document)
    return (
        f"{_table(head, lines)}\n\n"
        "While the greetings of the fullest second leave, just after a checkpoint. Databases are "
        f"those of\n{SERVER_CORES} cores or of {WAL_RATE / 1e6:.0f} MB/s of WAL each, "
        "whichever are more: both are assumed. Pages in the WAL\nare reckoned; in the measured "
        f"year they were {first - statistics.median(others):,.0f} bytes a greeting, and\n"
        f"{PAGE * pages_each(document, share):,.0f} by the same reckoning."
    )


def _held(document: Document, least: int) -> Iterable[tuple[Document, Document]]:
    """Yield what holds a day of so many people or more, with what is due on it."""
    due = {(row["kind"], row["people"]): row for row in document["due"]}
    for row in document["holding"]:
        if row["people"] >= least:
            yield row, due[row["kind"], row["people"]]


def _provider(document: Document) -> str:
    lines = []
    for kind, rows in _by_kind(document["limited"]):
        for limit in LIMITS:
            found = [row for row in rows if row["rate"] == limit]
            cells = [_end(row) for row in found]
            lines.append(f"| {kind} | {limit:,} | {' | '.join(cells)} |")
    return (
        f"{_table(('day', 'greetings a second', *_people()), lines)}\n\n"
        "Lateness of 99 in 100, if nothing else holds them up."
    )


def _end(row: Document) -> str:
    return f"{row['skipped']:.0%} SKIPPED" if row["p99"] is None else span(row["p99"])


def _storage(document: Document) -> str:
    people, logs, ledger = (bytes_a_row(document, _ROW[n]) for n in ("people", "logs", "ledger"))
    plan = statistics.median(step(document, "plan", "wal"))
    day = {(row["kind"], row["people"]): row["greetings"] for row in document["due"]}
    ordinary, lists = (document["kinds"][place] for place in (ORDINARY, LISTS))
    usual_wal, new_wal = (
        plan + wal_of_sending(document, fullest_share(document, kind)) for kind in (ordinary, lists)
    )

    def of(reckon: Callable[[float, float], float]) -> str:
        return " | ".join(size(reckon(day[ordinary, n], day[lists, n])) for n in PEOPLE)

    rows = (
        ("`users`", " | ".join(size(n * people) for n in PEOPLE)),
        ("`message_logs`, a day like any other", of(lambda usual, _: usual * logs)),
        ("`message_logs`, a month", of(lambda usual, _: usual * logs * DAYS_A_YEAR / 12)),
        (
            "`message_logs`, January as lists have it",
            of(lambda usual, new: (usual * 30 + new) * logs),
        ),
        ("`idempotency_keys`, a year", of(lambda usual, _: usual * DAYS_A_YEAR * ledger)),
        (
            "kept for 12 months, all of them",
            " | ".join(
                size(n * people + day[ordinary, n] * DAYS_A_YEAR * (logs + ledger)) for n in PEOPLE
            ),
        ),
        ("WAL, a day like any other", of(lambda usual, _: usual * usual_wal)),
        ("WAL, 1 January as lists have it", of(lambda _, new: new * new_wal)),
    )
    lines = [f"| {name} | {cells} |" for name, cells in rows]
    return _table(("what", *_people()), lines)


def _cost(document: Document) -> str:
    figures = document["figures"]
    share = fullest_share(document, document["kinds"][ORDINARY])
    wal = statistics.median(step(document, "plan", "wal")) + wal_of_sending(document, share)
    stored = bytes_a_row(document, _ROW["logs"]) + bytes_a_row(document, _ROW["ledger"])
    plan = statistics.median(step(document, "plan", "cpu"))
    lines = [
        _line("to plan", "PostgreSQL's process", f"{plan:,.0f} CPU s", plan / 3600 * CORE_HOUR)
    ]
    for figure in figures:
        if figure["name"] in {HEYDAY, DATABASE, "broker"}:
            what, _, who = _named(figure).partition("CPU seconds a million, ")
            seconds = figure["value"]
            lines.append(
                _line(
                    what.strip(": ") or "to carry batches",
                    who,
                    f"{seconds:,.0f} CPU s",
                    seconds / 3600 * CORE_HOUR,
                )
            )
    lines += [
        _line("WAL", "to write, to archive and to send to replicas", f"{size(wal * 1e6)}", None),
        _line(
            "rows",
            "`message_logs` and the ledger, a month on disk",
            size(stored * 1e6),
            stored * 1e6 / 1e9 * GIGABYTE_MONTH,
        ),
        _line("the provider", "at $0.10 a thousand", "1,000,000 mails", MAILS),
    ]
    return _table(("a million greetings", "of", "take", "cost"), lines)


def _line(what: str, of: str, takes: str, dollars: float | None) -> str:
    return f"| {what} | {of} | {takes} | {'' if dollars is None else f'${dollars:,.4f}'} |"


def _day_plot(document: Document) -> str:
    crowds = document["day"]
    top = max(greetings for _, greetings in crowds)
    unit = 10 ** math.floor(math.log10(top))
    ticks = [(n * unit, short(n * unit)) for n in range(int(top / unit) + 2)]
    hours = [(hour * 3600, f"{hour % 24:02}:00") for hour in range(-6, 25, 3)]
    plot = Plot(
        "1,000,000,000 people, 1 January as lists have it: greetings due in one second, by UTC",
        Axis(-6 * 3600, 24 * 3600, hours),
        Axis(0, ticks[-1][0], ticks),
    )
    for at, greetings in crowds:
        plot.bar(at, greetings, 7, f"{clock(at)} UTC: {greetings:,.0f}")
    return plot.svg()


def _provider_plot(document: Document) -> str:
    kind = document["kinds"][LISTS]
    spans = [(1, "1 s"), (60, "1 min"), (3600, "1 h"), (86_400, "1 day")]
    plot = Plot(
        "1 January as lists have it: 99 of 100 leave within, by what the provider takes a second",
        Axis(min(LIMITS), max(LIMITS), [(n, f"{n:,}/s") for n in LIMITS], is_log=True),
        Axis(0.1, 200_000, spans, is_log=True),
    )
    for people, colour in zip(PEOPLE, COLOURS, strict=True):
        points = [
            (row["rate"], row["p99"])
            for row in document["limited"]
            if (row["kind"], row["people"]) == (kind, people) and row["p99"] is not None
        ]
        plot.line(points, colour, f"{people:,}")
    return plot.svg()


def _people() -> list[str]:
    return [f"{short(people)} people" for people in PEOPLE]


def _by_way(rows: Sequence[Document]) -> Iterable[tuple[str, list[Document]]]:
    return ((way, [row for row in rows if row["way"] == way]) for way in WAYS)


def _by_kind(rows: Sequence[Document]) -> Iterable[tuple[str, list[Document]]]:
    names = dict.fromkeys(row["kind"] for row in rows)
    return ((name, [row for row in rows if row["kind"] == name]) for name in names)


def _table(head: Sequence[str], lines: Iterable[str]) -> str:
    return "\n".join((f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines))


def _wrapped(text: str, width: int = 96) -> str:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)
