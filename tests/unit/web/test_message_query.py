from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.message_filters import Place
from heyday.domain.message_lists import Order
from heyday.domain.transitions import Status
from heyday.domain.tzdb import PINNED
from heyday.web.message_query import FIELDS, read_query

NOW = datetime(2027, 1, 15, 9, tzinfo=UTC)
PERSON = UUID(int=7)


def test_what_nobody_bounded_begins_at_the_present():
    query = read_query({}, NOW)
    assert (query.look.order, query.look.wanted.scheduled_until) == (Order.LATEST, NOW)
    assert (query.is_from_now, query.is_narrow, query.path()) == (
        True,
        False,
        "/messages?order=latest",
    )
    ahead = read_query({"order": "earliest"}, NOW)
    assert (ahead.look.wanted.scheduled_from, ahead.look.wanted.scheduled_until) == (NOW, None)


@pytest.mark.parametrize(
    ("params", "order"),
    [
        ({"status": "SCHEDULED"}, Order.EARLIEST),
        ({"status": "FAILED"}, Order.LATEST),
        ({"person": str(PERSON)}, Order.LATEST),
        ({"from": "2027-01-14"}, Order.EARLIEST),
        ({"from": "2027-01-14", "order": "latest"}, Order.LATEST),
    ],
)
def test_each_is_looked_through_from_the_end_that_is_asked_about(
    params: dict[str, str], order: Order
):
    query = read_query(params, NOW)
    assert (query.look.order, query.is_from_now) == (order, False)


def test_dates_are_those_of_the_zone_that_is_asked_for():
    days = {"from": "2027-01-15", "to": "2027-01-15"}
    utc = read_query(days, NOW).look.wanted
    assert utc.scheduled_from == datetime(2027, 1, 15, tzinfo=UTC)
    assert utc.scheduled_until == datetime(2027, 1, 16, tzinfo=UTC)
    tokyo = read_query({**days, "zone": "Asia/Tokyo"}, NOW).look.wanted
    assert tokyo.scheduled_from == datetime(2027, 1, 14, 15, tzinfo=UTC)
    assert (tokyo.scheduled_until, tokyo.timezone) == (
        datetime(2027, 1, 15, 15, tzinfo=UTC),
        "Asia/Tokyo",
    )


def test_an_address_holds_what_was_asked_for_and_where_it_goes_on():
    given = {
        "status": "FAILED",
        "zone": "Asia/Tokyo",
        "late": "1",
        "sender": "ses",
        "person": str(PERSON),
    }
    query = read_query(given, NOW)
    place = Place(NOW, UUID(int=9))
    path = query.path(place)
    pairs = dict(part.split("=") for part in path.partition("?")[2].split("&"))
    again = read_query({**pairs, "zone": "Asia/Tokyo"}, NOW)
    assert again.look.wanted == query.look.wanted
    assert again.look.after == place
    assert again.look.wanted.late_at == NOW


@given(st.dictionaries(st.sampled_from([*FIELDS, "after"]), st.text(max_size=50)))
def test_whatever_an_address_holds_it_is_read_or_refused(params: dict[str, str]):
    query = read_query(params, NOW)
    assert all(name in {*FIELDS, "after"} for name, _ in query.problems)
    wanted = query.look.wanted
    assert wanted.status is None or wanted.status in set(Status)
    assert wanted.timezone is None or wanted.timezone in PINNED.served


@given(st.dates(), st.sampled_from(sorted(PINNED.names)))
def test_any_date_in_any_zone_bounds_a_list(on: date, zone: str):
    query = read_query({"from": on.isoformat(), "to": on.isoformat(), "zone": zone}, NOW)
    begin, end = query.look.wanted.scheduled_from, query.look.wanted.scheduled_until
    assert query.problems == []
    assert begin is not None
    assert end is not None
    assert timedelta(0) <= end - begin <= timedelta(hours=49)
