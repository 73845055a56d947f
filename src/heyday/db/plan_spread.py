"""Hand the spread of the send time to the planning statements, where there is one."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from heyday.db import queries
from heyday.domain.models import PlanRules, ZoneInstant
from heyday.domain.timezone import ZoneDay

_QUERIES = queries.load("plans")
_ONE_SECOND = timedelta(seconds=1)
# The first of the three values that a spread brings to a statement, behind all others.
_FIRST = {"list_to_compose": 16, "plan": 24, "retime_people": 26, "count_unplanned": 9}

_EXACT = {
    "send_at": "d.send_at",
    "id_begin": "d.id_begin",
    "spread": "NULL::smallint",
    "own_spread": "",
    "own_spread_name": "",
    "moved_at": "d.send_at",
    "lies_there": "m.scheduled_send_time = d.planned_at",
}


def is_spread(places: Iterable[ZoneDay | ZoneInstant]) -> bool:
    """Tell whether greetings of any of these leave at other seconds than the send time."""
    return any(place.spread for place in places)


def zone_days(name: str, *, spread: bool) -> str:
    """Return the zone days of a statement. spread: with the spread of each."""
    places = {"spreads": "", "spread_of_days": ""}
    if spread and name in _FIRST:
        places = {"spreads": f", ${_FIRST[name]}::smallint[]", "spread_of_days": ", spread"}
    return _QUERIES["zone_days"].fill(places)


def own(name: str, *, spread: bool) -> str:
    """Return what reckons each person's own instant; nothing where all have the same."""
    if not spread or name not in _FIRST:
        return ""
    after = _FIRST[name] + 1
    bounds = {
        "start_at": f"coalesce(${after}::timestamptz, '-infinity')",
        "end_at": f"coalesce(${after + 1}::timestamptz, 'infinity')",
    }
    return _QUERIES["own"].fill({"offset": _offset("u.id || d.key_end", "d.spread"), **bounds})


def fragments(*, spread: bool) -> dict[str, str]:
    """Return what the planning statements say of instants."""
    planned_at = _planned_at()
    if not spread:
        return {**_EXACT, "planned_at": planned_at}
    moved_by = _offset("m.idempotency_key", "coalesce(d.spread, 0)")
    return {
        "send_at": "own.send_at",
        "id_begin": _QUERIES["id_begin"].text,
        "spread": "own.spread",
        "own_spread": ", own.spread",
        "own_spread_name": ", spread",
        "planned_at": planned_at,
        "moved_at": f"d.send_at + interval '1 second' * {moved_by}",
        # The first two lead to rows by an index.
        "lies_there": "m.scheduled_send_time >= d.planned_at AND m.scheduled_send_time "
        "<= d.planned_at + interval '1 second' * coalesce(d.planned_spread, 0) "
        f"AND {planned_at} = d.planned_at",
    }


def values(places: Sequence[ZoneDay], rules: PlanRules) -> tuple[object, ...]:
    """Return the values behind all others of a statement; none where nothing is spread."""
    if not is_spread(places):
        return ()
    window = rules.window
    bounds = (window.start_at, window.end_at) if window else (None, None)
    return ([seconds_of(day.spread) or 0 for day in places], *bounds)


def seconds_of(spread: timedelta) -> int | None:
    """Return a spread as rows have it: null for none."""
    return spread // _ONE_SECOND or None


def read_spread(seconds: int | None) -> timedelta:
    """Return a spread that a row has."""
    return (seconds or 0) * _ONE_SECOND


def _planned_at() -> str:
    """Return the send time from which on a row was spread."""
    offset = _offset("m.idempotency_key", "m.spread")
    return (
        "CASE WHEN m.spread IS NULL THEN m.scheduled_send_time "
        f"ELSE m.scheduled_send_time - interval '1 second' * {offset} END"
    )


def _offset(key: str, spread: str) -> str:
    return _QUERIES["offset"].fill({"key": key, "spread": spread})
