from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("90s", 90), (" 1.5 m ", 90), ("48h", 172_800), ("366d", 31_622_400)],
)
def test_a_number_and_a_unit(text: str, seconds: float):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "90", "s", "-1s", "1 week", "1e3s", "٣s", "1h30m"])
def test_what_is_none_is_refused_with_an_example(text: str):
    with pytest.raises(ValueError, match="such as 90s or 48h"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "0.0h", "367d", "999999999999d"])
def test_nothing_and_more_than_a_year_are_refused(text: str):
    with pytest.raises(ValueError, match="more than nothing, and at most 366d"):
        parse_duration(text)


@given(st.integers(1, 366 * 86_400_000))
def test_whole_milliseconds_are_read_as_they_are(milliseconds: int):
    assert parse_duration(f"{milliseconds}ms") == timedelta(milliseconds=milliseconds)
