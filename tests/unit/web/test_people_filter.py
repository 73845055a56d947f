"""What the address of a list asks for, and how it is written again."""

from datetime import UTC, datetime
from uuid import UUID

from heyday.domain.finding import EVERYBODY, PeopleFilter
from heyday.web.people_filter import read_query

SOMEBODY = UUID(int=7)


def test_an_address_without_anything_asks_for_everybody():
    query = read_query({"country": "", "after": " ", "state": ""} | {"after": ""})
    assert query.wanted == EVERYBODY
    assert query.path() == "/people"
    assert query.path(SOMEBODY) == f"/people?after={SOMEBODY}"
    assert query.problems == []


def test_what_is_asked_for_is_written_again_and_nothing_else():
    query = read_query({
        "country": "JP", "birthday_day": "4", "birthday_month": "3", "utm": "x",
        "added_since": "2027-01-14", "state": "unsubscribed", "after": str(SOMEBODY),
    })  # fmt: skip
    assert query.wanted == PeopleFilter(
        birthday=304,
        created_from=datetime(2027, 1, 14, tzinfo=UTC),
        is_unsubscribed=True,
        zones=("Asia/Tokyo", "Japan"),
    )
    assert query.after == SOMEBODY
    assert query.path() == (
        "/people?country=JP&birthday_day=4&birthday_month=3&added_since=2027-01-14"
        "&state=unsubscribed"
    )
    assert (query.value("country"), query.value("locale")) == ("JP", "")


def test_a_name_is_no_filter():
    assert read_query({"query": "Sato", "email": "a@example.com"}).path() == "/people"


def test_what_is_wrong_stands_at_its_input():
    query = read_query({"added_since": "x", "birthday_month": "2", "birthday_day": "30"})
    assert query.problem("added_since")
    assert query.problem("birthday_day")
    assert query.problem("country") is None
    assert query.wanted == EVERYBODY
