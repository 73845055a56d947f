import re
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.message_types import ANNIVERSARY, BIRTHDAY, MESSAGE_TYPES, MessageType, numbered


def fill(pattern: str, *values: str) -> str:
    """Do what PostgreSQL's format() does with %% and %n$s."""

    def put(match: re.Match[str]) -> str:
        return values[int(match[1]) - 1] if match[1] else "%"

    return re.sub(r"%(?:%|(\d)\$s)", put, pattern)


def test_the_texts_of_the_contract():
    assert fill(BIRTHDAY.pattern, "Ada", "Lovelace", "36") == (
        "Hey, Ada Lovelace it's your birthday"
    )
    assert fill(ANNIVERSARY.pattern, "Ada", "Lovelace", "2") == (
        "Hey, Ada Lovelace it's your work anniversary! 2 years with us!"
    )
    assert fill(ANNIVERSARY.pattern_for_one, "Ada", "Lovelace", "1") == (
        "Hey, Ada Lovelace it's your work anniversary! 1 year with us!"
    )
    assert fill(ANNIVERSARY.pattern_without_year, "Ada", "Lovelace", "423") == (
        "Hey, Ada Lovelace it's your work anniversary!"
    )
    assert BIRTHDAY.pattern_without_year == BIRTHDAY.pattern


def test_the_kinds_and_where_their_dates_are():
    assert {t.name: (t.date_column, t.month_day_column) for t in MESSAGE_TYPES} == {
        "BIRTHDAY": ("birthday_date", "birthday_month_day"),
        "ANNIVERSARY": ("anniversary_date", "anniversary_month_day"),
    }
    assert (BIRTHDAY.first_year, ANNIVERSARY.first_year) == (0, 1)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("", ""),
        ("{first_name}{last_name}{n}", "%1$s%2$s%3$s"),
        ("{n} {n}", "%3$s %3$s"),
        ("100 % of you", "100 %% of you"),
        ("%1$s %s %%", "%%1$s %%s %%%%"),
        ("{{first_name}}", "{first_name}"),
        ("{{{n}}}", "{%3$s}"),
        ("{{}}", "{}"),
    ],
)
def test_places_are_numbered_and_the_rest_is_escaped(text: str, pattern: str):
    assert numbered(text) == pattern


@pytest.mark.parametrize(
    "text", ["{email}", "{First_name}", "{ n }", "{}", "{0}", "{n!r}", "{", "}", "{n", "n}", "{{n}"]
)
def test_a_place_that_no_greeting_can_fill_is_refused(text: str):
    with pytest.raises(ValueError, match=r"known: \{first_name\}, \{last_name\}, \{n\}"):
        numbered(text)


@given(st.text(), st.text(), st.text())
def test_whatever_people_are_called_stands_in_their_letter(first: str, last: str, rest: str):
    escaped = rest.replace("{", "{{").replace("}", "}}")
    letter = fill(numbered(f"{escaped}{{first_name}} {{last_name}}"), first, last, "7")
    assert letter == f"{rest}{first} {last}"


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "birthday"},
        {"name": "WORK:DAY"},
        {"name": "X" * 21},
        {"date_column": "birthday"},
        {"date_column": "birthday_date; DROP TABLE users"},
        {"date_column": "_date"},
        {"text": "Hey, {email}"},
        {"text_for_one": "Hey, {"},
        {"text_without_year": "Hey, {email}"},
        {"text_without_year": "Hey, {first_name}! {n} years"},
        {"text_without_year": "{{{n}}}"},
    ],
)
def test_a_kind_that_cannot_work_is_refused_at_birth(change: dict[str, str]):
    with pytest.raises(ValueError, match=r"expected|known"):
        replace(BIRTHDAY, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["{{n}}", "%3$s", "100 % {first_name}"])
def test_a_text_without_a_year_may_say_what_looks_like_a_number_of_years(text: str):
    assert replace(ANNIVERSARY, text_without_year=text).text_without_year == text


def test_a_new_kind_is_one_declaration():
    name_day = MessageType("NAME_DAY_2", "name_day_date", "Hey, {first_name}", "Hey", "Hey", 0)
    assert name_day.month_day_column == "name_day_month_day"
    with pytest.raises(FrozenInstanceError):
        name_day.name = "OTHER"  # type: ignore[misc]
