"""What forms say of how a file is to be read."""

from datetime import date

import pytest

from heyday.domain.errors import InvalidInput
from heyday.domain.readings import Delimiter, Encoding, Reading
from heyday.domain.written_dates import DateOrder
from heyday.web.import_forms import chosen_in, in_words, meanings, reading_of

FORM = {
    "delimiter": "tab",
    "encoding": "cp1252",
    "header": "no",
    "dates": "month_first",
    "zone": " Asia/Tokyo ",
    "column-email": "3",
    "column-locale": "",
    "column-shoe": "4",
}


def test_a_form_is_a_reading_and_back():
    reading = Reading(
        {"email": 3}, Encoding.WINDOWS_1252, Delimiter.TAB, has_header=False,
        dates=DateOrder.MONTH_FIRST, zone="Asia/Tokyo",
    )  # fmt: skip
    assert reading_of(FORM) == reading
    names = ("delimiter", "encoding", "header", "dates")
    assert chosen_in(reading) == {name: FORM[name] for name in names}


@pytest.mark.parametrize("name", ["delimiter", "encoding", "header", "dates"])
def test_a_choice_that_there_is_not_is_refused_without_repeating_it(name: str):
    with pytest.raises(InvalidInput, match=f"{name}: must be one of") as refused:
        reading_of({**FORM, name: "SECRET"})
    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize("place", ["x", "-1", "1.5", "٣"])
def test_a_place_that_is_none_is_left_out(place: str):
    assert reading_of({**FORM, "column-email": place}).columns == {}


def test_a_doubtful_date_has_two_meanings():
    assert [on for _, on in meanings("03/04/1990")] == [date(1990, 4, 3), date(1990, 3, 4)]


def test_dates_are_in_words():
    assert in_words(date(1990, 12, 31)) == "31 Dec 1990"
    assert in_words(date(1604, 2, 29)) == "29 Feb"
