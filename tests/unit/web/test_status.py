"""Sizes are written as people read them."""

import pytest

from heyday.web.status import written_size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (88 * 1024, "88 KiB"),
        (12 << 20, "12.0 MiB"),
        (3 << 29, "1.5 GiB"),
        (5 << 40, "5120.0 GiB"),
    ],
)
def test_a_size_has_one_unit(count: int, text: str) -> None:
    assert written_size(count) == text
