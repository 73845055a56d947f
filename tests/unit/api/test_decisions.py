from collections.abc import Mapping

import pytest

from heyday.api.decisions import Decision, read_cancellation, read_resolution
from heyday.domain.errors import InvalidInput
from heyday.domain.transitions import Status


@pytest.mark.parametrize(
    ("given", "target"),
    [("sent", Status.SENT), ("failed", Status.FAILED), ("retry", Status.RETRYING)],
)
def test_a_resolution_names_its_target(given: str, target: Status):
    assert read_resolution({"as": given}) == Decision(target, None)
    assert read_resolution({"as": given, "note": "why"}) == Decision(target, "why")


def test_a_cancellation_says_why():
    assert read_cancellation({"note": "why"}) == Decision(Status.CANCELLED, "why")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["as"]),
        ({"as": "SENT"}, ["as"]),
        ({"as": ["sent"]}, ["as"]),
        ({"as": None, "note": None, "x": 1}, ["x", "as", "note"]),
        ({"as": "sent", "note": 5}, ["note"]),
    ],
)
def test_every_wrong_field_of_a_resolution_is_named(body: Mapping[str, object], fields: list[str]):
    with pytest.raises(InvalidInput) as refused:
        read_resolution(body)
    assert [problem.field for problem in refused.value.problems] == fields


@pytest.mark.parametrize(
    ("body", "fields"),
    [({}, ["note"]), ({"note": []}, ["note"]), ({"as": "sent", "note": "x"}, ["as"])],
)
def test_every_wrong_field_of_a_cancellation_is_named(
    body: Mapping[str, object], fields: list[str]
):
    with pytest.raises(InvalidInput) as refused:
        read_cancellation(body)
    assert [problem.field for problem in refused.value.problems] == fields
