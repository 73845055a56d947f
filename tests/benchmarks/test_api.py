"""What docs/performance.md says of the API is what was measured; the bare service does the same."""

import json
from datetime import date
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
import pytest

from benchmarks.api import BARE, HEYDAY, Measured, Run, section, verdicts
from benchmarks.bare_api import Heard, statements_of
from benchmarks.pages import DOCS

FIRST, SECOND = ({"id": uuid4(), "email": f"{n}@x", "born": date(1990, 1, n)} for n in (1, 2))


def heard(known: dict[str, Any], *statements: tuple[object, ...]) -> Heard:
    logged = [SimpleNamespace(query=query, args=args) for query, *args in statements]
    return Heard(cast("Any", logged), known)


def test_the_published_table_is_that_of_the_figures() -> None:
    figures = json.loads((DOCS / "api.json").read_text("utf-8"))
    measured = msgspec.convert(figures, Measured)
    assert section(measured) in (DOCS / "performance.md").read_text("utf-8")


def test_what_differs_between_two_requests_is_what_a_request_brings() -> None:
    pair = [
        heard(
            known,
            ("BEGIN",),
            (
                "INSERT",
                known["email"],
                known["born"],
                "same",
                uuid4(),
                "a" * 32 + str(known["email"]),
            ),
            ("PLAN", [known["id"]], [1, 2]),
        )
        for known in (FIRST, SECOND)
    ]
    begin, insert, plan = statements_of(*pair)
    third = {"id": uuid4(), "email": "3@x", "born": date(1990, 1, 3)}
    assert begin.values == []
    email, born, same, new_id, new_text = (make(third) for make in insert.values)
    assert (email, born, same) == ("3@x", date(1990, 1, 3), "same")
    assert isinstance(new_id, UUID)
    assert isinstance(new_text, str)
    assert [make(third) for make in plan.values] == [[third["id"]], [1, 2]]


def test_two_requests_with_other_statements_are_no_pattern() -> None:
    with pytest.raises(ValueError, match="differ"):
        statements_of(heard(FIRST, ("A",)), heard(SECOND, ("B",)))


def test_an_id_of_a_request_within_a_statement_is_no_difference() -> None:
    pair = [heard(k, (f"BEGIN; SET x = '{uuid4().hex}'; -- {uuid4()}",)) for k in (FIRST, SECOND)]
    (begin,) = statements_of(*pair)
    assert begin.query == pair[0].statements[0].query


@pytest.mark.parametrize(("rate", "p99", "holds"), [(600, 10, True), (599, 10, False)])
def test_a_share_of_the_bare_rate_decides(rate: float, p99: float, *, holds: bool) -> None:
    runs = {way: {HEYDAY: [Run(rate, p99, 1)], BARE: [Run(1000, 4, 1)]} for way in ("POST", "GET")}
    assert all(verdicts(runs).values()) is holds


def test_two_thousand_posts_are_wanted_where_the_bare_service_makes_four() -> None:
    runs = {way: {HEYDAY: [Run(1999, 1, 1)], BARE: [Run(4000, 1, 1)]} for way in ("POST", "GET")}
    assert [ok for text, ok in verdicts(runs).items() if "2,000/s" in text] == [False]
