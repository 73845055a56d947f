"""From where a caller asks, how that is written down, and what it wants to be answered with."""

from typing import Any, cast

import pytest

from heyday.api.calls import address_of, header_of, wants_page


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("2001:DB8::1", 1), "2001:db8::1"),
        (("<script>", 0), "unknown"),
        (None, "unknown"),
    ],
)
def test_an_address_is_written_in_one_way_and_nothing_else_for_it(
    client: object, address: str
) -> None:
    assert address_of(cast("Any", {"client": client})) == address


def scope(**headers: str) -> Any:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"headers": pairs}


def test_a_header_that_comes_twice_is_none() -> None:
    twice = {"headers": [(b"origin", b"a"), (b"origin", b"a")]}
    assert header_of(cast("Any", twice), b"origin") is None
    assert header_of(scope(origin="a"), b"origin") == "a"
    assert header_of(scope(), b"origin") is None


@pytest.mark.parametrize(
    ("headers", "wants"),
    [
        ({"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}, True),
        ({"hx_request": "true", "accept": "*/*"}, True),
        ({"accept": "*/*"}, False),
        ({"accept": "text/event-stream"}, False),
        ({}, False),
    ],
)
def test_a_browser_that_shows_a_page_says_so(headers: dict[str, str], *, wants: bool) -> None:
    assert wants_page(scope(**headers)) is wants
