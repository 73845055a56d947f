import inspect
import re

import pytest

from heyday.domain import errors
from heyday.domain.errors import (
    Conflict,
    EmailTaken,
    FieldProblem,
    HeydayError,
    InvalidInput,
    UnknownTimezone,
)


def test_the_map_at_the_top_shows_the_tree():
    def draw(kind: type[Exception], depth: int = 0) -> list[tuple[int, str]]:
        below = [line for child in kind.__subclasses__() for line in draw(child, depth + 1)]
        return [(depth, kind.__name__), *below]

    drawn = [
        (len(indent) // 4, name)
        for indent, name in re.findall(
            r"^([| `-]*)([A-Z][A-Za-z]+)", errors.__doc__ or "", re.MULTILINE
        )
        if name != "Name"
    ]
    assert drawn == draw(HeydayError)


def test_every_error_says_what_it_reports():
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert all(kind.__doc__ for kind in kinds)


def test_invalid_input_names_each_field():
    error = InvalidInput([FieldProblem("email", "is required"), FieldProblem("n", "is odd")])
    assert str(error) == "email: is required; n: is odd"
    assert [problem.field for problem in error.problems] == ["email", "n"]


def test_an_unknown_zone_is_invalid_input():
    assert UnknownTimezone("zone").problems[0].field == "zone"
    assert isinstance(UnknownTimezone(), InvalidInput)


def test_a_taken_address_is_not_repeated():
    with pytest.raises(Conflict, match="another person already has this email address"):
        raise EmailTaken
