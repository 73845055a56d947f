"""What the planning benchmarks show is what they measured, beside what is aimed at."""

from dataclasses import asdict

import msgspec

from benchmarks import plan_scale
from benchmarks.catalogue import PLAN_DAY, PLAN_SCALE
from benchmarks.crowd import Planned, around_new_year
from benchmarks.plan import ROWS, Figures
from benchmarks.plan_scale import Found, Size


def planned(rows: int, seconds: float) -> Planned:
    return Planned(rows, seconds, memory_mib=80.4, cpu_seconds=12.5, wal_bytes=rows * 1000)


def figures(seconds: float = 10) -> Figures:
    return Figures(
        people=3_000_000,
        people_a_second=100_000,
        own=planned(1_000_000, seconds),
        again=planned(0, 2),
        floor=125_000,
        copied=400_000,
        ordinary=planned(1_000_000, 50),
    )


def row(text: str, begin: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {begin}"))


def test_rates_stand_beside_their_aims() -> None:
    text = PLAN_DAY.section([figures(10), figures(8), figures(20)])
    assert row(text, "rows a second, ledger").endswith(
        "| 100,000 (50,000 to 125,000) | ≥ 50,000 | yes |"
    )
    assert row(text, "share of its rate").endswith("| 80 (40 to 100) | ≥ 50 | yes |")
    assert row(text, "the same window again, s").endswith("| 2.0 (2.0 to 2.0) | ≤ 3.0 | yes |")
    assert row(text, "the same window again: rows").endswith("| 0 (0 to 0) | ≤ 0 | yes |")
    assert row(text, "peak memory").endswith("| 80 (80 to 80) | ≤ 150 | yes |")
    assert row(text, "write-ahead log").endswith("| 1,000 (1,000 to 1,000) |  |  |")
    assert len({line.name for line in ROWS}) == len(ROWS)


def test_figures_come_back_from_json() -> None:
    kept = msgspec.json.decode(msgspec.json.encode(asdict(figures())))
    assert msgspec.convert(kept, Figures) == figures()


def test_the_window_is_that_of_the_daily_run_of_31_december() -> None:
    window = around_new_year(2028)
    assert window.start_at.isoformat() == "2027-12-31T00:00:00+00:00"
    assert (window.end_at - window.start_at).days == 2


def test_the_growth_is_carried_on_to_the_next_size() -> None:
    found = Found("idx", steps=1238, people=250_000, pages=275_000)
    # The machine is slow for the second pair, and turns slow within the third.
    fewest, most = ([planned(250_000, s) for s in each] for each in ((2, 4, 2), (2.2, 4.4, 6)))
    sizes = [Size(1_000_000, fewest, found), Size(10_000_000, most, found)]
    run = plan_scale.Figures(sizes)
    assert round(run.growth, 2) == 1.1
    text = PLAN_SCALE.section([run])
    assert row(text, "among ten times more").endswith("| 19.4 (19.4 to 19.4) |  |  |")
    assert row(text, "times as long").endswith("| 1.10 (1.10 to 1.10) | ≤ 1.25 | yes |")
    assert row(text, "pages touched for each person found, most").endswith(
        "| 1.10 (1.10 to 1.10) |  |  |"
    )
