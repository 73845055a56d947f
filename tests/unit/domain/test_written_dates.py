"""How dates are read in each order, and which order is guessed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.dates import YEAR_UNKNOWN, WrongDate
from heyday.domain.written_dates import DateOrder, OrderGuess, guess_order, reader_of

YEAR, DAY, MONTH = DateOrder.YEAR_FIRST, DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST
A_DAY = date(1990, 12, 31)


@pytest.mark.parametrize("order", DateOrder)
@pytest.mark.parametrize(
    "written", ["1990-12-31", "1990/12/31", "1990.12.31", "19901231", "1990-12-31T00:00:00Z"]
)
def test_a_date_that_begins_with_its_year_is_taken_in_any_order(order: DateOrder, written: str):
    assert reader_of(order)(written) == A_DAY


@pytest.mark.parametrize(
    ("order", "written", "on"),
    [
        (DAY, "31/12/1990", A_DAY),
        (DAY, "31.12.1990", A_DAY),
        (DAY, "31. 12. 1990", A_DAY),
        (DAY, "1-2-1990", date(1990, 2, 1)),
        (DAY, "31.12.1990 00:00:00", A_DAY),
        (DAY, "29.02.", date(YEAR_UNKNOWN, 2, 29)),
        (DAY, "31/12", date(YEAR_UNKNOWN, 12, 31)),
        (MONTH, "12/31/1990", A_DAY),
        (MONTH, "1/2/1990", date(1990, 1, 2)),
        (MONTH, "12/31/1990 0:00", A_DAY),
        (MONTH, "02/29", date(YEAR_UNKNOWN, 2, 29)),
        (MONTH, "--02-29", date(YEAR_UNKNOWN, 2, 29)),
    ],
)
def test_other_dates_are_read_in_the_order_that_was_said(order: DateOrder, written: str, on: date):
    assert reader_of(order)(written) == on


@pytest.mark.parametrize(
    ("order", "written", "told"),
    [
        (YEAR, "31/12/1990", "YYYY-MM-DD"),
        (DAY, "31/12/90", "DD/MM/YYYY"),
        (DAY, "31/12-1990", "DD/MM/YYYY"),
        (DAY, "31 December 1990", "DD/MM/YYYY"),
        (DAY, "1990-12-31 09:30", "DD/MM/YYYY"),
        (DAY, "12/31/1990", "not a day of the calendar"),
        (MONTH, "31/12/1990", "not a day of the calendar"),
        (MONTH, "٣/٤/1990", "MM/DD/YYYY"),
        (MONTH, "", "MM/DD/YYYY"),
    ],
)
def test_what_is_no_date_in_the_order_is_refused_with_what_was_expected(
    order: DateOrder, written: str, told: str
):
    with pytest.raises(WrongDate, match=told) as refused:
        reader_of(order)(written)
    assert not written or written not in str(refused.value)


@given(st.dates(date(1900, 1, 1), date(2026, 12, 31)), st.sampled_from("./-"))
def test_whatever_is_written_in_an_order_is_read_as_it_was_meant(on: date, sign: str):
    assert reader_of(DAY)(f"{on.day}{sign}{on.month}{sign}{on.year}") == on
    assert reader_of(MONTH)(f"{on.month:02}{sign}{on.day:02}{sign}{on.year}") == on


@given(st.text(max_size=12) | st.none() | st.integers())
def test_whatever_comes_is_a_date_or_refused(written: object):
    for order in DateOrder:
        try:
            assert isinstance(reader_of(order)(written), date)
        except WrongDate:
            continue


@pytest.mark.parametrize(
    ("written", "guess"),
    [
        ([], OrderGuess(YEAR)),
        (["1990-12-31", "--02-29"], OrderGuess(YEAR)),
        (["03/04/1990", "31/12/1990"], OrderGuess(DAY)),
        (["03/04/1990", "12/31/1990"], OrderGuess(MONTH)),
        (["03.04.1990"], OrderGuess(DAY)),
        (["1990-12-31", " 03/04/1990 "], OrderGuess(DAY, "03/04/1990")),
        (["05/05/1990"], OrderGuess(DAY)),
        (["31/12/1990", "30/12/1990", "12/31/1990"], OrderGuess(DAY)),
    ],
)
def test_the_order_is_guessed_from_dates_that_fit_one_alone(written: list[str], guess: OrderGuess):
    assert guess_order(written) == guess
