"""List the benchmarks of the suite, with what is aimed at; `make bench` runs them."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import burn_down, floors, imports, instant, plan, plan_scale, steady
from benchmarks.entries import Benchmark, Row
from benchmarks.scene import Cost, Load

MILLION = 1_000_000
# A provider that takes a thousand greetings in one call.
BATCHED = {"HEYDAY_PROVIDER_BATCH": "1000"}
_SMALLEST = 200
_IN_EARNEST, _COUNTED = 0.1, 100_000
# Of the time that a load is looked at which is long in the making.
_PARTS = 5


def _share(whole: int, scale: float) -> int:
    return max(round(whole * scale), min(whole, _SMALLEST))


def _hurries(scale: float, people: int = MILLION) -> bool:
    """Tell whether the instant may be near: in trials, and where no CPU time is shown."""
    return scale < _IN_EARNEST or people < _COUNTED


def _instant(
    people: int, settings: dict[str, str] | None = None
) -> Callable[[float, Path], Awaitable[list[instant.Figures]]]:
    async def measure(scale: float, folder: Path) -> list[instant.Figures]:
        load = Load(
            _share(people, scale), settings=settings or {}, is_hurried=_hurries(scale, people)
        )
        return [await instant.measure(load, folder)]

    return measure


async def _burn_down(scale: float, folder: Path) -> list[burn_down.Figures]:
    load = Load(_share(MILLION, scale), is_idle=True, is_hurried=_hurries(scale))
    return [await burn_down.measure(load, folder)]


async def _floors(scale: float, folder: Path) -> list[floors.Figures]:
    return [await floors.measure(_share(MILLION, scale), folder)]


async def _plan(scale: float, folder: Path) -> list[plan.Figures]:
    return [await plan.measure(_share(plan.PEOPLE, scale), _share(plan.DUE, scale), folder)]


async def _plan_scale(scale: float, folder: Path) -> list[plan_scale.Figures]:
    sizes = [_share(people, scale) for people in plan_scale.SIZES]
    return [await plan_scale.measure(sizes, _share(plan_scale.DUE, scale), folder)]


async def _import(scale: float, _: Path) -> list[imports.ImportRun]:
    return [await imports.measure(_share(MILLION, scale))]


async def _steady(scale: float, folder: Path) -> list[steady.Figures]:
    return await steady.measure(_steadily(1, 0, scale), folder, _lasting(scale))


async def _frontier(scale: float, folder: Path) -> list[steady.Figures]:
    load = _steadily(_PARTS, 0, scale, 10 * MILLION)
    return await steady.measure(load, folder, _lasting(scale))


async def _pinned(scale: float, folder: Path) -> list[steady.Figures]:
    before = round(steady.AN_HOUR * scale)
    load = _steadily(_PARTS, before, scale)
    return await steady.measure(load, folder, _lasting(scale), before, is_pinned=True)


def _steadily(parts: int, before: int, scale: float, later: int = 0) -> Load:
    people = steady.RATE * (before + parts * _lasting(scale))
    more = round(later * scale)
    return Load(people, rate=steady.RATE, later=more, is_hurried=_hurries(scale))


def _lasting(scale: float) -> int:
    """Return seconds: shorter, not slower, as at another rate it would be another load."""
    return max(round(steady.SECONDS * scale), 20)


def _cost_rows(
    of: Callable[[Any], Cost], count: Callable[[Any], int], heyday_at_most: float | None = None
) -> list[Row[Any]]:
    def million(seconds: Callable[[Cost], float]) -> Callable[[Any], float]:
        return lambda run: seconds(of(run)) / count(run) * MILLION

    return [
        Row(
            "CPU seconds a million: Heyday's processes",
            million(lambda cost: cost.cpu.heyday),
            at_most=heyday_at_most,
        ),
        Row("CPU seconds a million: PostgreSQL", million(lambda cost: cost.cpu.postgresql)),
        Row("CPU seconds a million: the provider", million(lambda cost: cost.cpu.provider)),
        Row("write-ahead log, bytes a greeting", lambda run: of(run).wal_bytes / count(run)),
        Row("updates a greeting", lambda run: of(run).updated / count(run), "{:.1f}"),
        Row(
            "of these HOT (no index touched), %",
            lambda run: of(run).hot / max(of(run).updated, 1) * 100,
        ),
        Row("most memory of a worker, MiB", lambda run: of(run).workers_mib),
        Row("most memory of the scheduler, MiB", lambda run: of(run).scheduler_mib),
    ]


def _right_rows() -> list[Row[instant.Figures]]:
    return [
        Row("before the instant", lambda run: run.lateness.early, at_most=0),
        Row(
            "lost, twice, or not SENT in the database",
            lambda run: run.lost + run.twice + run.unsent,
            at_most=0,
        ),
    ]


def _burst_rows(rate: float, cpu: float, within: float | None = None) -> list[Row[instant.Figures]]:
    return [
        Row("greetings a second, to the last of them", lambda run: run.rate, at_least=rate),
        Row(
            "99 % of them greeted within, s",
            lambda run: run.lateness.p99 / 1000,
            "{:,.1f}",
            at_most=within,
        ),
        Row("first after the instant, ms", lambda run: run.lateness.first),
        Row("lateness p50, s", lambda run: run.lateness.p50 / 1000, "{:,.1f}"),
        *_right_rows(),
        *_cost_rows(lambda run: run.cost, lambda run: run.planned, cpu),
    ]


def _small_rows(p99: float) -> list[Row[instant.Figures]]:
    return [
        Row("first after the instant, ms", lambda run: run.lateness.first, at_most=50),
        Row("lateness p50, ms", lambda run: run.lateness.p50),
        Row("lateness p99, ms", lambda run: run.lateness.p99, at_most=p99),
        *_right_rows(),
    ]


def _steady_rows(p50: float | None, p99: float) -> list[Row[steady.Figures]]:
    return [
        Row("lateness p50, ms", lambda run: run.whole.lateness.p50, at_most=p50),
        Row("lateness p99, ms", lambda run: run.whole.lateness.p99, at_most=p99),
        Row("longest lateness, ms", lambda run: run.whole.lateness.last),
        Row("backlog grew, greetings a second", lambda run: run.backlog_slope, "{:+.2f}"),
        Row("dead rows, at most", lambda run: run.most_dead),
        Row("dead rows grew in the second half, a second", lambda run: run.dead_slope, "{:+.0f}"),
        Row("memory grew, all Heyday's processes, MiB", lambda run: run.mib_grown, "{:+.1f}"),
        Row("before their instant", lambda run: run.whole.lateness.early, at_most=0),
        Row(
            "lost, twice, or not SENT in the database",
            lambda run: run.whole.lost + run.whole.twice + run.whole.unsent,
            at_most=0,
        ),
    ]


PLAN_DAY = Benchmark(
    "plan_day",
    "Planning",
    "The 48 hours around 1 January, which is the day of a third of 3,000,000 people, planned as "
    "the daily run of 31 December does it, and planned again. A bare INSERT writes the same rows "
    "into a table with a primary key alone.",
    plan.Figures,
    _plan,
    plan.ROWS,
)
PLAN_SCALE = Benchmark(
    "plan_scale",
    "Planning among more people",
    "250,000 greetings are due among 1,000,000 people, and as many among 10,000,000. Each of five "
    "years is planned among the ones and then among the others: how many times as long that takes "
    "is the median of these pairs.",
    plan_scale.Figures,
    _plan_scale,
    plan_scale.ROWS,
)
FLOORS = Benchmark(
    "floors",
    "What it is held against",
    "As many greetings by programs that do nothing else.",
    floors.Figures,
    _floors,
    [
        Row("aiohttp, two processes: POSTs a second", lambda run: run.client.rate),
        Row("aiohttp: CPU seconds a million, its own", lambda run: run.client.cpu),
        Row("claim and complete in a bare table: rows a second", lambda run: run.queue.rate),
        Row("the same: CPU seconds a million, PostgreSQL's included", lambda run: run.queue.cpu),
        Row(
            "RabbitMQ, 500 ids a message, confirmed: ids a second",
            lambda run: run.publisher.rate if run.publisher else 0,
        ),
    ],
)
SINGLE = Benchmark(
    "instant_burst_single",
    "A million at one instant, one call each",
    "1,000,000 greetings are due in the same second; the provider takes one with each POST.",
    instant.Figures,
    _instant(MILLION),
    _burst_rows(4_000, 400),
)
BATCH = Benchmark(
    "instant_burst_batch",
    "A million at one instant, a thousand with each call",
    "The same with a provider that takes up to 1,000 greetings with one POST.",
    instant.Figures,
    _instant(MILLION, BATCHED),
    _burst_rows(15_000, 60, within=70),
)
SMALL = tuple(
    Benchmark(
        f"instant_small_{people}",
        f"{people:,} at one instant",
        f"{people:,} greetings are due in the same second, one POST each.",
        instant.Figures,
        _instant(people),
        _small_rows(p99),
    )
    for people, p99 in ((1_000, 500), (10_000, 2_500))
)
BURN_DOWN = Benchmark(
    "burn_down",
    "Without a provider",
    "1,000,000 greetings are due in the same second, and sending one costs nothing: the time to "
    "claim, and to record outcomes that last.",
    burn_down.Figures,
    _burn_down,
    [
        Row("outcomes a second", lambda run: run.rate, at_least=15_000),
        Row("not SENT in the database", lambda run: run.unsent, at_most=0),
        *_cost_rows(lambda run: run.cost, lambda run: run.planned),
    ],
)
STEADY = Benchmark(
    "steady",
    "A thousand a second",
    "1,000 greetings are due at each full second, for ten minutes.",
    steady.Figures,
    _steady,
    [
        *_steady_rows(50, 250),
        *_cost_rows(lambda run: run.whole.cost, lambda run: run.whole.planned),
    ],
)
FRONTIER = Benchmark(
    "frontier",
    "The same, with ten million planned for tomorrow",
    "As before, in a table in which 10,000,000 greetings wait for their day, and for fifty minutes "
    "on end; what it costs is that of all the fifty.",
    steady.Figures,
    _frontier,
    [
        *_steady_rows(50, 250),
        *_cost_rows(lambda run: run.whole.cost, lambda run: run.whole.planned * _PARTS),
    ],
    counted="parts of ten minutes",
)
MVCC_PIN = Benchmark(
    "mvcc_pin",
    "The same, while somebody keeps a transaction open",
    "As before, without those of tomorrow, and with a transaction that began an hour before and "
    "still may see all rows as they were then: nothing that died since can be cleared. A thousand "
    "a second are greeted in that hour, too, then for the fifty minutes that are looked at.",
    steady.Figures,
    _pinned,
    [
        *_steady_rows(None, 1_000),
        Row("alarms of it (`transaction_old`)", lambda run: run.is_alarmed, at_least=1),
    ],
    counted="parts of ten minutes",
)

IMPORT_CSV = Benchmark(
    "import_csv",
    "Importing people",
    "`heyday users import` of a file of 1,000,000 people, of whom one in a hundred has a mistake: "
    "each is checked, those who are due soon are planned. Then the same file again, then one in "
    "which each row has changed.",
    imports.ImportRun,
    _import,
    [
        Row("rows a second, new people", lambda run: run.new.rate, at_least=25_000),
        Row("bare COPY, nothing checked: rows a second", lambda run: run.floor_rate),
        Row("share of its rate, %", lambda run: run.new.rate / run.floor_rate * 100),
        Row(
            "memory grew, from a quarter through to three quarters, MiB",
            lambda run: run.new.memory_mib[2] - run.new.memory_mib[0],
            "{:+.0f}",
        ),
        Row("memory at most, MiB", lambda run: run.new.memory_peak_mib),
        Row("CPU of the command's processes, s", lambda run: run.new.python_cpu, "{:.1f}"),
        Row("CPU of PostgreSQL, s", lambda run: run.new.postgres_cpu, "{:.1f}"),
        Row("rows a second, the same file again", lambda run: run.again.rate),
        Row("rows a second, each row changed", lambda run: run.changed.rate),
    ],
)

BENCHMARKS: Sequence[Benchmark[Any]] = (
    FLOORS,
    PLAN_DAY,
    PLAN_SCALE,
    IMPORT_CSV,
    *SMALL,
    BURN_DOWN,
    SINGLE,
    BATCH,
    STEADY,
    MVCC_PIN,
    FRONTIER,
)
