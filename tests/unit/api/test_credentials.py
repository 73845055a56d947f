"""How a key comes with a request, and what is taken for none."""

import base64

import pytest

from heyday.api.credentials import NoKey, read_key
from heyday.domain.access import read_credential

KEY = f"hd_1f3c5d0a_{'0123456789abcdef' * 4}"


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def read(*values: str, takes_basic: bool) -> object:
    headers = [(b"authorization", value.encode("latin-1")) for value in values]
    return read_key([(b"host", b"localhost"), *headers], takes_basic=takes_basic)


@pytest.mark.parametrize("takes_basic", [True, False])
@pytest.mark.parametrize("value", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER   {KEY} "])
def test_bearer_is_taken_everywhere(value: str, *, takes_basic: bool) -> None:
    assert read(value, takes_basic=takes_basic) == read_credential(KEY)


@pytest.mark.parametrize("user", ["", "me", "me@example.com", "Zoë"])
def test_the_password_of_basic_is_taken_where_it_is_asked_for(user: str) -> None:
    value = basic(f"{user}:{KEY}")
    assert read(value, takes_basic=True) == read_credential(KEY)
    with pytest.raises(NoKey):
        read(value, takes_basic=False)


def test_nothing_at_all_is_told_from_something_wrong() -> None:
    with pytest.raises(NoKey) as nothing:
        read(takes_basic=True)
    assert not nothing.value.was_given
    with pytest.raises(NoKey) as wrong:
        read("", takes_basic=True)
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
        basic(f"{'x' * 2000}:{KEY}"),
    ],
)
def test_anything_else_is_no_key(value: str) -> None:
    with pytest.raises(NoKey):
        read(value, takes_basic=True)


def test_two_headers_are_none() -> None:
    with pytest.raises(NoKey):
        read(f"Bearer {KEY}", f"Bearer {KEY}", takes_basic=False)
