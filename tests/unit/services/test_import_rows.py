"""What the columns of a file may be, how rows become chunks."""

from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.errors import InvalidInput
from heyday.services.import_rows import Layout, Row, RowChecker, check_columns
from tests.fakes import FakeClock


def test_columns_may_come_in_any_order():
    check_columns(["timezone", "email", "anniversary_date", "last_name", "first_name"])


def test_wrong_columns_are_refused_by_name():
    columns = ["first_name", "Email", "", "timezone", "timezone", "id"]
    with pytest.raises(InvalidInput) as refused:
        check_columns(columns)
    problems = {p.field: p.detail for p in refused.value.problems}
    assert problems.keys() == {"Email", "column 3", "timezone", "id", "last_name", "email"}
    assert "not a column of users" in problems["Email"]
    assert "twice" in problems["timezone"]
    assert "required" in problems["email"]


COLUMNS = ["first_name", "last_name", "email", "timezone"]


@given(
    st.lists(st.sampled_from(["right", "wrong", "unread", "repeated"]), max_size=40),
    st.lists(st.integers(1, 9), min_size=1, max_size=40),
    st.integers(0, 20),
)
async def test_chunks_are_the_same_however_rows_are_batched(
    kinds: list[str], sizes: list[int], skip: int
):
    rows = [row(line, kind) for line, kind in enumerate(kinds, start=2)]
    batches: list[list[Row]] = []
    start = 0
    while start < len(rows):
        size = sizes[len(batches) % len(sizes)]
        batches.append(rows[start : start + size])
        start += size
    assert await chunks(batches, skip) == await chunks([[row] for row in rows], skip)


async def test_rows_that_were_dealt_with_are_remembered_and_not_told_again():
    rows = [row(2, "right"), row(3, "wrong"), row(4, "repeated"), row(5, "repeated")]
    people, rejected, last_row = (await chunks([rows], skip=2))[0]
    assert people == ["same@x.org"]
    assert (rejected, last_row) == ([5], 4)
    (again,) = await chunks([[row(2, "repeated"), row(3, "repeated")]], skip=1)
    assert again == ([], [3], 2)


def row(line: int, kind: str) -> Row:
    address = {"repeated": "same@x.org", "wrong": "nowhere"}.get(kind, f"a{line}@x.org")
    fault = "cannot be read" if kind == "unread" else None
    return Row(line, ["Ada"] if fault else ["Ada", "L", address, "UTC"], fault)


async def chunks(
    batches: Sequence[Sequence[Row]], skip: int
) -> list[tuple[list[str], list[int], int]]:
    async def stream() -> AsyncIterator[Sequence[Row]]:
        for batch in batches:
            yield batch

    checker = RowChecker(Layout(COLUMNS), FakeClock(), 5, skip)
    return [
        (
            [person.email for person in chunk.people],
            [rejection.row.line for rejection in chunk.rejections],
            chunk.last_row,
        )
        async for chunk in checker.chunks(stream())
    ]
