"""What the columns of a file may be, and how its addresses are remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.errors import InvalidInput
from heyday.services.import_rows import SeenAddresses, check_columns


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


@given(st.lists(st.emails(), max_size=50))
def test_an_address_is_remembered_with_its_first_line(addresses: list[str]):
    seen = SeenAddresses()
    first: dict[str, int] = {}
    for line, address in enumerate(addresses, start=2):
        assert seen.add(address, line) == first.get(address.lower())
        first.setdefault(address.lower(), line)
