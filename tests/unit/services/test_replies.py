"""What tells one request from another."""

from hypothesis import given
from hypothesis import strategies as st

from heyday.services.replies import fingerprint

PARTS = st.lists(st.binary(max_size=4), min_size=1, max_size=4)


@given(PARTS, PARTS)
def test_two_requests_have_one_print_only_if_they_are_one(
    one: list[bytes], other: list[bytes]
) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (one == other)


def test_a_print_is_a_sha_256() -> None:
    assert len(fingerprint([b"POST", b"/user"])) == 32
