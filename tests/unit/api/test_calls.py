"""Whom the API counts for an address, and how an address is written down."""

from typing import Any, cast

import pytest

from heyday.api.calls import address_of, caller_at


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


@pytest.mark.parametrize(
    ("host", "caller"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("testclient", "unknown"),
    ],
)
def test_a_caller_is_an_address_or_the_network_of_a_subscriber(host: str, caller: str) -> None:
    assert caller_at(host) == caller
