"""What a list may be filtered by, and what a search may look for."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from heyday.domain.errors import InvalidInput
from heyday.domain.finding import (
    EVERYBODY,
    LONGEST_PAGE,
    MOST_FORMS,
    USUAL_PAGE,
    PeopleFilter,
    parse_filter,
    parse_search,
)


def refused(**given: str) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        parse_filter(given)
    return {problem.field: problem.detail for problem in caught.value.problems}


def refused_search(given: dict[str, object]) -> set[str]:
    with pytest.raises(InvalidInput) as caught:
        parse_search(given)
    return {problem.field for problem in caught.value.problems}


def test_nothing_asked_for_is_everybody():
    assert parse_filter({}) == parse_filter({"birthday": None}) == EVERYBODY


def test_everything_may_be_asked_for_at_once():
    found = parse_filter(
        {
            "timezone": "Europe/Berlin",
            "birthday": "--02-29",
            "anniversary": "12-31",
            "birthday_from": "1990-01-01",
            "birthday_to": "1990-01-01",
            "anniversary_from": "2015-03-02",
            "created_from": "2027-01-14T01:00:00+01:00",
            "created_to": "2027-01-14T00:00:00.5Z",
            "updated_to": "2027-01-14T00:00:00Z",
        },
        deleted=True,
        unsubscribed=False,
    )
    midnight = datetime(2027, 1, 14, tzinfo=UTC)
    assert found == PeopleFilter(
        timezone="Europe/Berlin",
        birthday=229,
        anniversary=1231,
        birthday_from=date(1990, 1, 1),
        birthday_to=date(1990, 1, 1),
        anniversary_from=date(2015, 3, 2),
        created_from=midnight,
        created_to=midnight.replace(microsecond=500_000),
        updated_to=midnight,
        is_deleted=True,
        is_unsubscribed=False,
    )


def test_a_country_is_all_its_zones():
    assert parse_filter({"country": "JP"}).zones == ("Asia/Tokyo", "Japan")
    assert refused(country="Japan") == {
        "country": "is no country; expected a code of two letters, such as JP"
    }


def test_a_zone_that_was_dropped_may_still_be_somebodys():
    assert parse_filter({"timezone": "US/Pacific-New"}).timezone == "US/Pacific-New"


@pytest.mark.parametrize("given", [{"birthday_to": "2000-01-01"}, {"birthday_from": "1600-01-01"}])
def test_dates_without_a_year_are_in_no_range(given: dict[str, str]):
    assert parse_filter(given).birthday_from == date(1605, 1, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timezone", "Mars/Base"),
        ("timezone", ""),
        ("timezone", "europe/berlin"),
        ("birthday", "02-30"),
        ("birthday", "1990-02-28"),
        ("birthday", "13-01"),
        ("birthday", "--2-1"),
        ("anniversary", ""),
        ("anniversary", "\u0661\u0662-\u0663\u0661"),
        ("birthday_from", "--02-29"),
        ("birthday_to", "2027-02-29"),
        ("anniversary_from", "0000-01-01"),
        ("anniversary_to", "20270101"),
        ("created_from", "2027-01-14"),
        ("created_to", "2027-01-14T00:00:00"),
        ("updated_from", "2027-01-14 00:00:00+01:00"),
        ("updated_to", "0001-01-01T00:00:00+14:00"),
        ("updated_to", "9999-12-31T23:59:59-12:00"),
        ("updated_to", "2027-01-14T25:00:00Z"),
        ("created_from", "2027-01-14T00:00:00\x00Z"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(name: str, value: str):
    (told,) = refused(**{name: value}).items()
    assert told[0] == name
    assert not value or f"{value} " not in told[1]


def test_everything_that_is_wrong_is_named_at_once():
    assert refused(timezone="x", birthday="x", created_to="x").keys() == {
        "timezone",
        "birthday",
        "created_to",
    }


@pytest.mark.parametrize("name", ["birthday", "anniversary"])
def test_a_range_of_dates_ends_no_earlier_than_it_begins(name: str):
    given = {f"{name}_from": "2000-01-02", f"{name}_to": "2000-01-01"}
    assert refused(**given) == {f"{name}_from": f"lies after {name}_to"}


def test_a_range_of_instants_ends_no_earlier_than_it_begins():
    given = {"created_from": "2027-01-14T00:00:01Z", "created_to": "2027-01-14T00:00:00Z"}
    assert refused(**given) == {"created_from": "lies after created_to"}


def test_a_search_has_a_usual_page_and_begins_at_the_beginning():
    wanted = parse_search({"query": "  ada lov "})
    assert (wanted.forms, wanted.limit, wanted.after) == (("ada lov",), USUAL_PAGE, None)


def test_a_search_goes_on_after_a_page():
    wanted = parse_search({"query": "a", "limit": LONGEST_PAGE, "after": str(UUID(int=7))})
    assert (wanted.limit, wanted.after) == (LONGEST_PAGE, UUID(int=7))
    assert parse_search({"query": "a", "after": None}).after is None


@pytest.mark.parametrize(
    ("query", "forms"),
    [
        ("Éli", {"Éli", "éli", "ÉLI"}),
        ("éLI", {"éLI", "éli", "ÉLI", "Éli"}),
        ("ada É", {"ada É", "ada é", "ADA É", "Ada É"}),
        ("İp", {"İp", "i\u0307p", "İP"}),
        ("ıp", {"ıp", "IP", "Ip"}),
    ],
)
def test_letters_beyond_ascii_are_looked_for_in_each_case(query: str, forms: set[str]):
    assert set(parse_search({"query": query}).forms) == forms


def test_there_are_never_more_forms_than_the_statement_takes():
    assert len(parse_search({"query": "éÉé éÉ"}).forms) == MOST_FORMS


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, {"query"}),
        ({"query": None}, {"query"}),
        ({"query": 5}, {"query"}),
        ({"query": "  "}, {"query"}),
        ({"query": "a" * 256}, {"query"}),
        ({"query": "a\x00b"}, {"query"}),
        ({"query": "a\ud800"}, {"query"}),
        ({"query": "a", "limit": 0}, {"limit"}),
        ({"query": "a", "limit": 201}, {"limit"}),
        ({"query": "a", "limit": True}, {"limit"}),
        ({"query": "a", "limit": "5"}, {"limit"}),
        ({"query": "a", "limit": None}, {"limit"}),
        ({"query": "a", "after": "x"}, {"after"}),
        ({"query": "a", "after": 5}, {"after"}),
        ({"query": "a", "after": "\ud800"}, {"after"}),
        ({"text": "a"}, {"text", "query"}),
    ],
)
def test_a_search_that_is_wrong_is_refused_by_field(given: dict[str, object], fields: set[str]):
    assert refused_search(given) == fields
