"""Which bodies are read, and that a refusal quotes nothing of them."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heyday.api.bodies import is_json, read_object
from heyday.api.problems import MalformedBody

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text(), VALUES))
def test_every_json_object_is_read_as_it_is(value: dict[str, object]) -> None:
    assert read_object(json.dumps(value).encode()) == value
    assert read_object(json.dumps(value, ensure_ascii=False).encode()) == value


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused_and_nothing_else_happens(body: bytes) -> None:
    with contextlib.suppress(MalformedBody):
        assert isinstance(read_object(body), dict)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON at line 1, column 1"),
        (b"null", "must be a JSON object"),
        (b"[{}]", "must be a JSON object"),
        (b'"SECRET"', "must be a JSON object"),
        (b'{"SECRET": 1', "not JSON at line 1, column 13"),
        (b'{"a": 1} SECRET', "not JSON at line 1, column 10"),
        (b'{"SECRET": 1, "SECRET": 2}', "names a field twice"),
        (b'{"a": {"SECRET": 1, "SECRET": 2}}', "names a field twice"),
        (b'{"a": NaN}', "NaN or Infinity"),
        (b'{"a": -Infinity}', "NaN or Infinity"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"a": ' * 60000, "nested too deeply"),
        (b"[" * 60000, "nested too deeply"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        ('{"a": "SECRET"}'.encode("utf-16"), "not UTF-8 at byte 0"),
        (b"\xef\xbb\xbf{}", "not JSON at line 1, column 1"),
    ],
)
def test_what_is_refused_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedBody, match=reason) as refusal:
        read_object(body)
    assert "SECRET" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content_type", "verdict"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/merge-patch+json", True),
        ("", False),
        ("text/json", False),
        ("text/plain", False),
        ("application/jsonp", False),
        ("application/x-www-form-urlencoded", False),
        ("text/plain; application/json", False),
    ],
)
def test_only_json_is_taken_for_json(content_type: str, verdict: bool) -> None:  # noqa: FBT001
    assert is_json(content_type) is verdict
