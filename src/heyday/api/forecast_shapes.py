"""Give the JSON shape of a forecast, as the API and `heyday forecast --json` tell it."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from heyday.domain.forecast import Forecast, Grouping

_INSTANT = Meta(examples=["2027-01-14T09:00:00Z"])
_COUNTS = Meta(examples=[{"BIRTHDAY": 4120, "ANNIVERSARY": 3087}])


class Busiest(Struct, frozen=True):
    """Show the second in which most leave.

    count: where the send time is spread, on the average from there on.
    """

    at: Annotated[datetime, _INSTANT]
    count: Annotated[int, Meta(ge=1, examples=[412])]


class ShownForecast(Struct, frozen=True):
    """Show what will be sent when, by the people, zones and rules of now.

    rows: each with what it is about, under the name in `by`; `total`; and the number of each
    message type.   unplaced: greetings a year that nobody gets, by zone: the tz database does not
    have that zone.
    """

    from_: Annotated[datetime, _INSTANT] = field(name="from")
    until: Annotated[datetime, Meta(examples=["2028-01-15T09:00:00Z"])]
    by: Annotated[Grouping, Meta(examples=["day"])]
    tzdb_version: Annotated[str, Meta(examples=["2026f"])]
    total: Annotated[int, Meta(ge=0, examples=[7207])]
    message_types: Annotated[dict[str, int], _COUNTS]
    busiest: Busiest | None
    unplaced: Annotated[dict[str, int], Meta(examples=[{"Mars/Olympus": 1}])]
    rows: Annotated[
        list[dict[str, int | str]],
        Meta(examples=[[{"day": "2027-01-14", "total": 22, "BIRTHDAY": 13, "ANNIVERSARY": 9}]]),
    ]


def shown_forecast(found: Forecast, by: Grouping) -> ShownForecast:
    """Return what is told of a forecast."""
    return ShownForecast(
        from_=found.window.start_at,
        until=found.window.end_at,
        by=by,
        tzdb_version=found.tzdb_version,
        total=sum(found.totals.values()),
        message_types=found.totals,
        busiest=Busiest(*found.busiest) if found.busiest else None,
        unplaced=dict(found.unplaced),
        rows=[{by.value: row.label, "total": row.total, **row.counts} for row in found.rows(by)],
    )
