"""Whatever comes as JSON is read, or is nothing."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.errors import EventsUnreadable
from heyday.webhooks.reading import address, code, find, instant, own_id, read_json, seconds, text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5000])
def test_what_is_no_json_says_so(body: bytes) -> None:
    with pytest.raises(EventsUnreadable, match="not JSON"):
        read_json(body)


@given(JSON, st.lists(st.text() | st.integers(0, 5), max_size=4))
def test_a_path_leads_to_something_or_nothing_in_anything(value: object, path: list[str]) -> None:
    find(value, *path)
    assert isinstance(text(value, *path), str)


def test_a_path_leads_through_objects_and_lists() -> None:
    assert text({"a": [{"b": "c"}]}, "a", 0, "b") == "c"
    assert text({"a": []}, "a", 0, "b") == ""
    assert text({"a": 1}, "a") == ""


@given(JSON)
def test_an_instant_is_aware_or_none(value: object) -> None:
    found = instant(value)
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    ("written", "offset"),
    [
        ("2027-01-15T09:00:00Z", 0),
        ("2027-01-15 09:00:00.0000000+00", 0),
        ("2027-01-15T04:00:00-05:00", 0),
        ("2027-01-15T09:00:00", 0),
        (1800003600, 0),
        (1800003600.5, 500_000),
    ],
)
def test_instants_are_read_as_providers_write_them(written: object, offset: int) -> None:
    assert instant(written) == NINE.replace(microsecond=offset)


@pytest.mark.parametrize("written", ["", "-1", "9" * 12, "9" * 5000, "1e3", "\u0661"])
def test_what_is_no_number_of_seconds_is_none(written: str) -> None:
    assert seconds(written) is None


@pytest.mark.parametrize("value", [None, 1, "ada", "a@b" * 200, "a@\0", "a@\ud800", "a@b\r\nc"])
def test_what_can_be_no_address_is_none(value: object) -> None:
    assert address(value) is None


def test_of_what_a_server_said_the_code_alone_is_left() -> None:
    assert code("smtp; 550 5.1.1 <ada@example.com> user unknown") == "5.1.1"
    assert code("from 10.5.1.1 with love") is None
    assert code(None) is None


@pytest.mark.parametrize("part", ["", None, 1.5, []])
def test_an_event_without_a_name_is_refused(part: object) -> None:
    with pytest.raises(EventsUnreadable, match="no name"):
        own_id("ses", "x", part)


def test_names_are_told_apart_and_not_kept() -> None:
    assert own_id("ses", "a") == own_id("ses", "a")
    assert len({own_id("ses", "a"), own_id("resend", "a"), own_id("ses", "a", "b")}) == 3
    assert own_id("ses", "\ud800") == own_id("ses", "?")
