"""What a reading takes out of a row, and when nobody can be made of one."""

import pytest

from heyday.domain.readings import Reading

WHOLE = {"email": 3, "first_name": 1, "timezone": 0, "last_name": 2}
ROW = ["Europe/London", "Ada", "Byron", "ada@x.org", "1990-12-10"]


def problems(reading: Reading, width: int = 5) -> dict[str, str]:
    return {problem.field: problem.detail for problem in reading.problems(width)}


@pytest.mark.parametrize(
    ("reading", "row", "picked"),
    [
        (Reading(WHOLE), ROW, ["Ada", "Byron", "ada@x.org", "Europe/London"]),
        (
            Reading({**WHOLE, "birthday_date": 4}),
            ROW,
            ["Ada", "Byron", "ada@x.org", "Europe/London", "1990-12-10"],
        ),
        (Reading(WHOLE, zone="UTC"), ROW, ["Ada", "Byron", "ada@x.org", "Europe/London"]),
        (Reading(WHOLE, zone="UTC"), [" ", *ROW[1:]], ["Ada", "Byron", "ada@x.org", "UTC"]),
        (
            Reading({"email": 3, "first_name": 1, "last_name": 2, "birthday_date": 4}, zone="UTC"),
            ROW,
            ["Ada", "Byron", "ada@x.org", "UTC", "1990-12-10"],
        ),
        (Reading({"email": 3}), ROW, ["ada@x.org"]),
    ],
)
def test_the_fields_of_a_person_are_picked_in_their_order(
    reading: Reading, row: list[str], picked: list[str]
):
    assert list(reading.picker()(row)) == picked
    assert len(reading.fields) == len(picked)


def test_what_everybody_needs_is_asked_for():
    assert problems(Reading({})).keys() == {"first_name", "last_name", "email", "timezone"}
    assert problems(Reading(WHOLE)) == {}
    without_zone = {name: place for name, place in WHOLE.items() if name != "timezone"}
    assert problems(Reading(without_zone)).keys() == {"timezone"}
    assert problems(Reading(without_zone, zone="Asia/Tokyo")) == {}


def test_a_column_stands_for_one_field_and_is_there():
    assert "same column as email" in problems(Reading({**WHOLE, "locale": 3}))["locale"]
    assert "column 4 of 3" in problems(Reading(WHOLE), width=3)["email"]
    assert problems(Reading(WHOLE, zone="Mars/Olympus")).keys() == {"zone"}


@pytest.mark.parametrize("columns", [{"shoe_size": 1}, {"email": -1}])
def test_what_is_no_field_or_place_cannot_be_built(columns: dict[str, int]):
    with pytest.raises(ValueError, match="no columns for fields"):
        Reading(columns)
