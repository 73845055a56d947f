"""Say in docs/scale.md what docs/scale.json holds: tables and pictures, each under its own name."""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from benchmarks.pages import spread
from benchmarks.scale_costs import DATABASE, HEYDAY, WAYS
from benchmarks.scale_days import DAYS_A_YEAR
from benchmarks.scale_model import LOOK_AHEAD
from benchmarks.scale_plot import COLOURS, Axis, Plot
from benchmarks.scale_results import CORE_SHARE, HOLD, LIMITS, LISTS, ORDINARY, PEOPLE
from benchmarks.scale_storage import STEPS

COMMAND = "make bench-scale"
SERVER_CORES = 16
"""Cores of one PostgreSQL that the number of databases is reckoned by."""
CORE_HOUR, GIGABYTE_MONTH, MAILS = 0.05, 0.10, 100.0
"""Assumed prices in dollars: an hour of a core, a month of a gigabyte, a million mails."""

_ROW = {"logs": "message_logs, sent", "ledger": "idempotency_keys", "people": "users"}
_BATCH = 500
Document = Mapping[str, Any]


def parts(document: Document) -> dict[str, str]:
    """Return what stands between each pair of marks, by the name of the pair."""
    return {
        "figures": _figures(document),
        "due": _due(document),
        "machine": _machine(document),
        "holding": _holding(document),
        "provider": _provider(document),
        "storage": _storage(document),
        "cost": _cost(document),
    }


def pictures(document: Document) -> dict[str, str]:
    """Return the pictures of docs/, by file name."""
    return {"scale-day.svg": _day_plot(document), "scale-provider.svg": _provider_plot(document)}


def step(document: Document, name: str, what: str) -> list[float]:
    """Return what the runs of one step took a greeting: wal or cpu."""
    return [each[what] for each in document["stored"]["steps"] if each["name"] == name]


def bytes_a_row(document: Document, table: str) -> float:
    """Return the bytes of a row with its index entries."""
    sizes = document["stored"]["sizes"]
    return float(sizes[f"{table}: table"] + sizes[f"{table}: indexes"])


def _figures(document: Document) -> str:
    stored = document["stored"]
    lines = [
        f"| {_named(figure)} | {figure['value']:,.0f} | {figure['source']} |"
        for figure in document["figures"]
    ]
    own = f"`{document['command']}`"
    for name in STEPS:
        wal, cpu = (spread(step(document, name, what), "{:,.0f}") for what in ("wal", "cpu"))
        lines.append(f"| to {name} a greeting: bytes of WAL | {wal} | {own} |")
        lines.append(f"| to {name} a greeting: us of PostgreSQL's process | {cpu} | {own} |")
    sizes = stored["sizes"]
    tables = dict.fromkeys(name.rpartition(": ")[0] for name in sizes)
    lines += [
        f"| {_a_row(table)}: bytes in the table, in its indexes "
        f"| {sizes[f'{table}: table']:,.0f}, {sizes[f'{table}: indexes']:,.0f} | {own} |"
        for table in tables
    ]
    lines.append(
        f"| updates of greetings that touch no index (HOT) | {stored['hot']:.0%} | {own} |"
    )
    facts = ", ".join(f"{name} {value}" for name, value in stored["facts"].items())
    return (
        f"{_table(('figure', 'value', 'measured by'), lines)}\n\n"
        f"The last are medians, with the range in brackets, of "
        f"{len(step(document, 'plan', 'wal'))} windows,\nof {stored['people']:,} people whose "
        f"{stored['greetings']:,} greetings of a year were planned and sent.\n{_wrapped(facts)}."
    )


def _a_row(table: str) -> str:
    name, _, when = table.partition(", ")
    return f"a row of `{name}`" + (f", {when}" if when else "")


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
    share, at = first["fullest"] / first["greetings"], timedelta(seconds=first["at"])
    return (
        f"{_table(('day', 'of whom', *_people()), lines)}\n\n"
        "Greetings of the date, and in brackets those of its fullest second.\n"
        f"That second is at {str(at)[:-3]} UTC, where {share:.0%} of all are due: nine o'clock in "
        "China\nand in all of its zone."
    )


def _machine(document: Document) -> str:
    lines = []
    for way, rows in _by_way(document["machine"]):
        for kind, found in _by_kind(rows):
            cells = [f"{span(row['p50'])}, {span(row['p99'])}" for row in found]
            name = f"{WAYS[way]}, {found[0]['rate']:,.0f}/s"
            lines.append(f"| {name} | {kind} | {' | '.join(cells)} |")
    head = ("sent by", "day", *_people())
    return f"{_table(head, lines)}\n\nLateness of half of the date's greetings, and of 99 in 100."


def _holding(document: Document) -> str:
    wal = sum(statistics.median(step(document, name, "wal")) for name in ("claim", "record"))
    queue = statistics.median(step(document, "queue", "cpu"))
    fullest = {(row["kind"], row["people"]): row["fullest"] for row in document["due"]}
    lines = []
    for way, rows in _by_way(document["holding"]):
        for row in rows:
            to_queue = fullest[row["kind"], row["people"]] / LOOK_AHEAD
            cells = (
                f"{row['people']:,}",
                row["kind"],
                WAYS[way],
                f"{row['rate']:,.0f}",
                f"{row['workers']:,}",
                f"{row['database']:,}",
                f"{math.ceil(row['database'] / SERVER_CORES):,}",
                f"{max(1, math.ceil(to_queue * queue / 1e6)):,}",
                f"{row['rate'] * wal / 1e6:,.0f}",
                f"{row['rate'] / _BATCH:,.0f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    head = (
        "people",
        "day",
        "sent by",
        "can leave a second",
        "cores for workers",
        "cores for PostgreSQL",
        f"databases of {SERVER_CORES} cores",
        "schedulers that queue",
        "WAL, MB/s",
        "batches/s",
    )
    return (
        f"{_table(head, lines)}\n\nThe fewest that let 99 of 100 greetings of the date leave "
        f"within {HOLD:.0f} s, if {CORE_SHARE:.0%} of\neach core is spent and the provider takes "
        "all. One worker or scheduler is one process, on a\ncore of its own."
    )


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
    wal = sum(statistics.median(step(document, name, "wal")) for name in STEPS)
    day = {(row["kind"], row["people"]): row["greetings"] for row in document["due"]}
    ordinary, lists = (document["kinds"][place] for place in (ORDINARY, LISTS))

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
        ("WAL, a day like any other", of(lambda usual, _: usual * wal)),
        ("WAL, 1 January as lists have it", of(lambda _, new: new * wal)),
    )
    lines = [f"| {name} | {cells} |" for name, cells in rows]
    return _table(("what", *_people()), lines)


def _cost(document: Document) -> str:
    figures = document["figures"]
    wal = sum(statistics.median(step(document, name, "wal")) for name in STEPS)
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
        clock = f"{at // 3600 % 24:02}:{at % 3600 // 60:02} UTC"
        plot.bar(at, greetings, 7, f"{clock}: {greetings:,.0f}")
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


def short(count: float) -> str:
    """Return a count with three digits, such as 4.56 M."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if count >= unit * 0.9995:
            return f"{_three(count / unit)}{name}"
    return f"{count:.0f}"


def size(count: float) -> str:
    """Return bytes with three digits, such as 4.56 GB."""
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if count >= unit * 0.9995:
            return f"{_three(count / unit)} {name}"
    return f"{count / 1e3:.0f} kB"


def span(seconds: float | None) -> str:
    """Return how long something is in the unit that suits it."""
    if seconds is None:
        return "never"
    for unit, name in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= unit * 2:
            return f"{_three(seconds / unit)} {name}"
    return f"{seconds:.2f} s"


def _three(value: float) -> str:
    return f"{value:,.{max(0, 2 - max(0, math.floor(math.log10(value) + 1e-4)))}f}"


def _people() -> list[str]:
    return [f"{people:,} people" for people in PEOPLE]


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
