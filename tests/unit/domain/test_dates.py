from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.dates import PLACEHOLDERS, YEAR_UNKNOWN, format_date, has_year, parse_date

DAYS_OF_A_LEAP_YEAR = st.dates(date(2028, 1, 1), date(2028, 12, 31))


@pytest.mark.parametrize(
    ("given", "on"),
    [
        ("1990-12-10", date(1990, 12, 10)),
        ("--02-29", date(1604, 2, 29)),
        ("--12-31", date(1604, 12, 31)),
        ({"year": 1990, "month": 2, "day": 14}, date(1990, 2, 14)),
        ({"year": None, "month": 2, "day": 29}, date(1604, 2, 29)),
        ({"day": 29, "month": 2}, date(1604, 2, 29)),
    ],
)
def test_the_ways_to_give_a_date(given: object, on: date):
    assert parse_date(given) == on


def test_only_the_year_that_stands_for_none_is_none():
    assert not has_year(parse_date("--06-15"))
    assert has_year(parse_date("1990-06-15"))


@given(DAYS_OF_A_LEAP_YEAR)
def test_every_day_of_a_leap_year_can_do_without_its_year(day: date):
    on = parse_date(f"--{day:%m-%d}")
    assert (on.year, on.month, on.day) == (YEAR_UNKNOWN, day.month, day.day)
    assert format_date(on) == f"--{day:%m-%d}"
    assert parse_date({"month": day.month, "day": day.day}) == on


@given(st.dates(min_value=date(1000, 1, 1)))
def test_what_is_written_is_read_as_it_was(on: date):
    assert parse_date(format_date(on)) == on
    assert format_date(on).startswith("--") == (on.year == YEAR_UNKNOWN)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "-",
        "--",
        "--2-29",
        "--0229",
        "-02-29",
        "---02-29",
        "02-29",
        "----02-29",
        "1604--02-29",
        "--02-29 ",
        "--02-29T00:00",
        "19900114",
        "1990-W02-7",
        "٢٠٢٠-01-01",
        "--٠٢-29",
        None,
        True,
        19900114,
        1e9,
        ["1990-01-14"],
        b"1990-01-14",
        date(1990, 1, 14),
    ],
)
def test_any_other_text_or_thing_is_refused(given: object):
    with pytest.raises(ValueError, match=r"must be a date written YYYY-MM-DD, or --MM-DD without"):
        parse_date(given)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"year": 1990},
        {"year": 1990, "month": 2},
        {"year": None, "month": None, "day": 29},
        {"year": "1990", "month": 2, "day": 14},
        {"year": 1990, "month": "02", "day": 14},
        {"year": 1990, "month": 2.0, "day": 14},
        {"year": 1990, "month": 2, "day": True},
        {"year": False, "month": 2, "day": 14},
        {"year": [], "month": {}, "day": 14},
        {"year": 1990, "month": 2, "day": 14, "hour": 9},
        {"Year": 1990, "month": 2, "day": 14},
    ],
)
def test_an_object_holds_the_parts_and_nothing_else(given: object):
    with pytest.raises(
        ValueError, match=r"must (be a whole number|hold month, day and year, and nothing)"
    ):
        parse_date(given)


@pytest.mark.parametrize(
    "given",
    [
        "1990-02-30",
        "2027-02-29",
        "--02-30",
        "--13-01",
        "--00-10",
        "0000-01-01",
        {"year": 2027, "month": 2, "day": 29},
        {"year": None, "month": 2, "day": 30},
        {"year": 0, "month": 1, "day": 1},
        {"year": -1604, "month": 1, "day": 1},
        {"year": 10**400, "month": 1, "day": 1},
        {"month": 10**400, "day": -(10**400)},
    ],
)
def test_a_date_must_be_on_the_calendar(given: object):
    with pytest.raises(ValueError, match=r"not a day of the calendar"):
        parse_date(given)


def test_placeholders_are_dates_of_a_known_year():
    assert {format_date(on) for on in PLACEHOLDERS} == {"1900-01-01", "1970-01-01"}
