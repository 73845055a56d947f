"""What pages say of imports."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from heyday.domain.errors import InvalidInput
from heyday.domain.imports import ImportJob, ImportState
from heyday.domain.readings import Delimiter, Encoding, Reading
from heyday.domain.written_dates import DateOrder
from heyday.web.import_forms import chosen_in, in_words, meanings, reading_of
from heyday.web.import_views import JobView, plain

AT = datetime(2027, 1, 14, tzinfo=UTC)
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


def job(**fields: object) -> ImportJob:
    given = {
        "id": UUID(int=1),
        "state": ImportState.RUNNING,
        "name": "people.csv",
        "columns": ["email"],
        "has_bom": False,
        "reading": None,
        "bytes_total": 1000,
        "bytes_done": 251,
        "rows_done": 50,
        "imported": 0,
        "updated": 30,
        "unchanged": 12,
        "rejected": 20,
        "suspicious": 0,
        "epoch": 1,
        "error": None,
        "created_at": AT,
        "started_at": AT,
        "finished_at": None,
    }
    return ImportJob(**{**given, **fields})  # type: ignore[arg-type]


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


def test_fields_are_called_as_on_the_page():
    reason = "birthday_date: is none; email: birthday_date: not; birthday_date.day: is none"
    assert (
        plain(reason)
        == "Birthday: is none; Email address: birthday_date: not; Birthday.day: is none"
    )


def test_a_job_tells_how_fast_it_goes():
    view = JobView.of(job(), AT + timedelta(seconds=2))
    assert (view.changed, view.percent, view.rate) == (18, 25, 25)
    assert view.is_going
    ended = job(state=ImportState.DONE, finished_at=AT + timedelta(seconds=10))
    assert JobView.of(ended, AT + timedelta(days=1)).rate == 5


def test_a_job_that_has_not_begun_tells_nothing_of_its_pace():
    view = JobView.of(job(started_at=None, bytes_total=0, bytes_done=0), AT)
    assert (view.percent, view.rate, view.took) == (0, None, None)
    assert JobView.of(job(), AT).rate is None
