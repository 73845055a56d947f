"""What a form of a person sends, what is wrong with it, and how two of them differ."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.dates import YEAR_UNKNOWN
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.models import User
from heyday.domain.people import EARLIEST_ON, FIELDS, parse_person
from heyday.web.person_form import EMPTY, PersonForm, differences, form_of, read_form

NOW = datetime(2027, 1, 14, tzinfo=UTC)
ADA = User(
    first_name="Ada", last_name="Lovelace", email="ada@example.com", timezone="Europe/London",
    id=UUID(int=1), version="7-1", created_at=NOW, updated_at=NOW,
)  # fmt: skip
DATES = st.dates(EARLIEST_ON, date(2026, 12, 31)) | st.dates(
    date(YEAR_UNKNOWN, 1, 1), date(YEAR_UNKNOWN, 12, 31)
)


def with_birthday(day: str, month: str, year: str) -> PersonForm:
    """Return a form whose birthday reads so."""
    parts = {"day": day, "month": month, "year": year}
    return read_form({f"birthday_date_{part}": text for part, text in parts.items()})


@given(birthday=st.none() | DATES, anniversary=st.none() | DATES)
def test_what_is_stored_comes_back_as_it_was(birthday: date | None, anniversary: date | None):
    user = replace(ADA, birthday_date=birthday, anniversary_date=anniversary)
    draft = parse_person(form_of(user).fields(), NOW)
    assert all(getattr(draft, name) == getattr(user, name) for name in FIELDS)
    assert form_of(user).version == "7-1"


@given(day=st.text(max_size=5), month=st.text(max_size=5), year=st.text(max_size=5))
def test_whatever_stands_in_a_date_is_taken_or_refused(day: str, month: str, year: str):
    form = replace(with_birthday(day, month, year), version="")
    whole = {**form.fields(), "first_name": "A", "last_name": "B", "email": "a@b.example"}
    try:
        parse_person({**whole, "timezone": "UTC"}, NOW)
    except InvalidInput as error:
        (problem,) = form.refused(error.problems).problems
        assert problem.field == "birthday_date"
        assert problem.target in form.inputs


def test_an_empty_form_gives_no_dates():
    assert EMPTY.fields()["birthday_date"] is None
    assert set(EMPTY.fields()) == set(FIELDS)


@pytest.mark.parametrize(
    ("parts", "field_problem", "target", "said"),
    [
        (("", "2", ""), ("day",), "birthday_date_day", "is missing"),
        (("1", "", ""), ("month",), "birthday_date_month", "is missing"),
        (("1", "2", "x"), ("year",), "birthday_date_year", "must be a number"),
        (("30", "2", ""), (), "birthday_date_day", "is not a day of the calendar"),
        (("1", "13", ""), ("month",), "birthday_date_month", "is not a day of the calendar"),
    ],
)
def test_a_date_is_refused_in_the_words_of_its_boxes(
    parts: tuple[str, str, str], field_problem: tuple[str, ...], target: str, said: str
):
    form = with_birthday(*parts)
    refused = form.refused([FieldProblem("birthday_date", "never shown", field_problem)])
    problem = refused.problem("birthday_date")
    assert problem
    assert problem.target == target
    assert problem.text.startswith(said)
    assert (refused.wrong, form.wrong) == (1, 0)


def test_problems_come_in_the_order_of_the_fields_and_once_each():
    form = EMPTY.refused([
        FieldProblem("locale", "b"), FieldProblem("email", "a"), FieldProblem("email", "later"),
        FieldProblem("what", "is none"),
    ])  # fmt: skip
    assert [(each.field, each.text) for each in form.problems] == [
        ("email", "a"), ("locale", "b"), ("what", "is none"),
    ]  # fmt: skip


def test_two_forms_differ_by_what_is_meant():
    theirs = form_of(replace(ADA, birthday_date=date(1990, 1, 15), location_city="Kobe"))
    mine = replace(theirs, inputs={**theirs.inputs, "first_name": " Ada ", "location_city": ""})
    assert differences(mine, theirs) == [("location_city", "", "Kobe")]
    later = replace(mine, inputs={**mine.inputs, "birthday_date_year": ""})
    assert differences(later, theirs)[0] == ("birthday_date", "15 1", "15 1 1990")
