"""Tell what will be sent when: `heyday forecast`."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.bar import Bar as RichBar
from rich.console import Console
from rich.table import Table

from heyday.api.forecast_shapes import shown_forecast
from heyday.cli.bar_chart import Bar, BarChart, draw
from heyday.cli.running import parse_instant, print_json, with_app
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.forecast import (
    LONGEST_DAYS,
    USUAL_DAYS,
    Forecast,
    ForecastRow,
    Grouping,
)
from heyday.domain.wall_clock import write_instant

if TYPE_CHECKING:
    from heyday.bootstrap import App

_BAR_WIDTH = 24
_ZONES_DRAWN = 40
_TICKS = 24
_X_LABELS = {
    Grouping.HOUR: "hour (UTC)",
    Grouping.DAY: "day (UTC)",
    Grouping.ZONE: "time zone",
    Grouping.TYPE: "message type",
}

ByOption = Annotated[
    Grouping,
    typer.Option(
        help="hour: each hour of up to 3 days, for more days the 24 hours of the day, in UTC; "
        "day: dates in UTC; zone: time zones, the largest first; type: message types."
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="D",
        help="Where to begin instead of now: a date, which begins at 00:00 UTC, or an instant "
        "such as 2027-01-14T09:00:00Z.",
    ),
]


def forecast(
    days: Annotated[
        int, typer.Option(min=1, max=LONGEST_DAYS, help="How many days of 24 hours.")
    ] = USUAL_DAYS,
    by: ByOption = Grouping.DAY,
    from_: FromOption = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Also draw it into this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Tell what will be sent when, by the people, zones and rules of now.

    The first and the last row may be a part of their hour or day. Who comes, leaves or changes
    meanwhile is not foreseen.
    """
    start_at = _read_start(from_)
    _check_plot(plot)

    async def work(heyday: "App") -> Forecast:
        return await heyday.forecasts.forecast(timedelta(days=days), start_at)

    found = with_app(work)
    rows = found.rows(by)
    if plot:
        _write_plot(plot, draw(_chart(found, rows, by)))
    if as_json:
        print_json(msgspec.to_builtins(shown_forecast(found, by)))
    else:
        _print_table(found, rows, by)
        if plot:
            typer.echo(f"Drawn: {plot}")


def _read_start(value: str | None) -> datetime | None:
    """Read a date or an instant. Raises InvalidInput."""
    try:
        on = date.fromisoformat(value or "")
    except ValueError:
        on = None
    text = value if on is None else datetime.combine(on, time.min, UTC).isoformat()
    try:
        return parse_instant(text)
    except InvalidInput:
        expected = "is neither a date nor an instant; expected 2027-01-14 or 2027-01-14T09:00:00Z"
        raise InvalidInput([FieldProblem("--from", expected)]) from None


def _check_plot(path: Path | None) -> None:
    """Refuse, before any work, what cannot be drawn. Raises InvalidInput."""
    if path and path.suffix.lower() != ".svg":
        detail = f"cannot draw {path.suffix or 'a file without an ending'}; expected a name that "
        detail += "ends in .svg, which every browser shows, and saves as a picture"
        raise InvalidInput([FieldProblem("--plot", detail)])


def _write_plot(path: Path, svg: str) -> None:
    try:
        path.write_text(svg, encoding="utf-8")
    except OSError as error:
        detail = f"cannot write {path} ({error.strerror}); give a file in a folder that is yours"
        raise InvalidInput([FieldProblem("--plot", detail)]) from None


def _print_table(found: Forecast, rows: Sequence[ForecastRow], by: Grouping) -> None:
    table = Table(by.value, box=None, pad_edge=False)
    types = list(found.totals)
    # One message type a row: its own column would only repeat the total.
    shown = [] if by is Grouping.TYPE else types
    for name in (*shown, "total"):
        table.add_column(name, justify="right")
    table.add_column("")
    highest = max((row.total for row in rows), default=0) or 1
    for row in rows:
        label = f"{row.label} {row.at:%a}" if row.at and by is Grouping.DAY else row.label
        counts = [f"{row.counts.get(name, 0):,}" for name in shown]
        bar = RichBar(highest, 0, row.total, width=_BAR_WIDTH)
        table.add_row(label, *counts, f"{row.total:,}", bar)
    console = Console(highlight=False, markup=False)
    console.print(table)
    console.print(_sum_up(found))
    for zone, count in found.unplaced.items():
        console.print(
            f"NOT sent: {count:,} a year in {zone}, which the tz database "
            f"{found.tzdb_version} does not have. Correct the time zone of these people.",
            style="red",
        )


def _sum_up(found: Forecast) -> str:
    window = found.window
    span = f"{write_instant(window.start_at)} to {write_instant(window.end_at)}"
    total = f"{sum(found.totals.values()):,} greetings from {span}."
    if found.busiest is None:
        return total
    at, count = found.busiest
    most = f"about {count:,} a second from" if found.is_spread else f"{count:,} at"
    return f"{total}\nMost at once: {most} {write_instant(at)}."


def _chart(found: Forecast, rows: Sequence[ForecastRow], by: Grouping) -> BarChart:
    drawn = rows[:_ZONES_DRAWN] if by is Grouping.ZONE else rows
    types = list(found.totals)
    window = found.window
    subtitle = f"{sum(found.totals.values()):,} greetings"
    subtitle += f", {window.start_at:%Y-%m-%d %H:%M} to {window.end_at:%Y-%m-%d %H:%M} UTC"
    if len(drawn) < len(rows):
        subtitle += f"; the {len(drawn)} largest of {len(rows)} zones"
    return BarChart(
        title=f"Greetings by {by.value if by is not Grouping.TYPE else 'message type'}",
        subtitle=subtitle,
        x_label=_X_LABELS[by],
        y_label="greetings",
        parts=types,
        bars=[
            Bar(row.label, [row.counts.get(name, 0) for name in types], tick)
            for row, tick in zip(drawn, _ticks(drawn, by), strict=True)
        ],
    )


def _ticks(rows: Sequence[ForecastRow], by: Grouping) -> list[str | None]:
    """Return what stands under the bars: months under many days, else as many as there is room."""
    if by is Grouping.DAY and len(rows) > 2 * _TICKS:
        months = [r.at for r in rows if r.at and r.at.day == 1]
        every = -(-len(months) // _TICKS)
        return [_month(r.at) if r.at in months[::every] else None for r in rows]
    if by in {Grouping.ZONE, Grouping.TYPE}:
        return [row.label for row in rows]
    every = -(-len(rows) // _TICKS)
    labels = [row.label.partition("-")[2] if row.at else row.label for row in rows]
    return [label if number % every == 0 else None for number, label in enumerate(labels)]


def _month(at: datetime | None) -> str | None:
    if at is None:
        return None
    return f"{at:%b %Y}" if at.month == 1 else f"{at:%b}"
