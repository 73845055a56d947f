"""How a key comes with a request, and what is taken for none."""

import base64

import pytest

from heyday.api.credentials import NoKey, read_key
from heyday.domain.access import read_credential

KEY = f"hd_1f3c5d0a_{'0123456789abcdef' * 4}"


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def read(*values: str) -> object:
    headers = [(b"authorization", value.encode("latin-1")) for value in values]
    return read_key([(b"host", b"localhost"), *headers])


@pytest.mark.parametrize("value", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER   {KEY} "])
def test_bearer_is_taken(value: str) -> None:
    assert read(value) == read_credential(KEY)


def test_nothing_at_all_is_told_from_something_wrong() -> None:
    with pytest.raises(NoKey) as nothing:
        read()
    assert not nothing.value.was_given
    with pytest.raises(NoKey) as wrong:
        read("")
    assert wrong.value.was_given


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        KEY,
        f"Bearer:{KEY}",
        f"Token {KEY}",
        f"Bearer {KEY} {KEY}",
        f"Bearer {KEY}\xa0x",
        f"Bearer {KEY[:-1]}\xb2",
        f"Bearer {'x' * 100_000}",
        "Basic",
        "Basic ====",
        "Basic \xff",
        f"Basic {KEY}",
        basic(KEY),
        basic(f"{KEY}:"),
        basic(f"me:{KEY}:"),
        basic(f"me:{KEY}"),
        basic(f"{'x' * 2000}:{KEY}"),
    ],
)
def test_anything_else_is_no_key(value: str) -> None:
    with pytest.raises(NoKey):
        read(value)


def test_two_headers_are_none() -> None:
    with pytest.raises(NoKey):
        read(f"Bearer {KEY}", f"Bearer {KEY}")
