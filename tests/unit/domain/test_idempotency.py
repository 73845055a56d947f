import re
from contextlib import suppress
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.errors import InvalidInput
from heyday.domain.idempotency import IdempotencyKey, IdempotencyService, from_tag, to_tag
from heyday.domain.message_types import MESSAGE_TYPES

SERVICE = IdempotencyService()
USER = UUID("6f2d9a51-7c08-4f4e-9d2c-0a4b6f1c2e3d")
KEY = f"{USER}:BIRTHDAY:2027-01-14"

names = st.sampled_from([t.name for t in MESSAGE_TYPES]) | st.from_regex(
    r"[A-Z][A-Z0-9_]{0,19}", fullmatch=True
)


def test_the_form_is_the_one_of_the_contract():
    assert SERVICE.make(USER, "BIRTHDAY", date(2027, 1, 14)) == KEY
    assert SERVICE.parse(KEY) == IdempotencyKey(USER, "BIRTHDAY", date(2027, 1, 14))


@given(st.uuids(), names, st.dates())
def test_a_key_is_read_as_it_was_made(user_id: UUID, name: str, on: date):
    assert SERVICE.parse(SERVICE.make(user_id, name, on)) == IdempotencyKey(user_id, name, on)


@given(st.tuples(st.uuids(), names, st.dates()), st.tuples(st.uuids(), names, st.dates()))
def test_two_greetings_never_share_a_key(
    one: tuple[UUID, str, date], other: tuple[UUID, str, date]
):
    assert (one == other) == (SERVICE.make(*one) == SERVICE.make(*other))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "::",
        KEY.upper(),
        f" {KEY}",
        f"{KEY}:",
        f"{USER}:BIRTHDAY",
        f"{USER}::2027-01-14",
        f"{USER.hex}:BIRTHDAY:2027-01-14",
        f"{{{USER}}}:BIRTHDAY:2027-01-14",
        f"{USER}:BIRTHDAY:20270114",
        f"{USER}:BIRTHDAY:2027-W02-4",
        f"{USER}:BIRTHDAY:2027-02-29",
        "ada:BIRTHDAY:2027-01-14",
    ],
)
def test_what_is_no_key_is_refused(text: str):
    with pytest.raises(InvalidInput, match="idempotency_key: is not an idempotency key"):
        SERVICE.parse(text)


@given(st.text())
def test_anything_is_a_key_or_refused(text: str):
    with suppress(InvalidInput):
        assert str(SERVICE.parse(text)) == text


@pytest.mark.parametrize("name", ["", "A:B"])
def test_a_message_type_that_would_blur_the_key_is_refused(name: str):
    with pytest.raises(ValueError, match="expected no colon"):
        SERVICE.make(USER, name, date(2027, 1, 14))


@given(st.uuids(), names, st.dates())
def test_a_key_survives_what_providers_allow_in_tags(user_id: UUID, name: str, on: date):
    key = SERVICE.make(user_id, name, on)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", to_tag(key), re.ASCII)
    assert from_tag(to_tag(key)) == key


@given(st.text(max_size=100))
def test_no_other_tag_stands_for_a_key_that_it_was_not_made_of(tag: str):
    with suppress(InvalidInput):
        key = str(SERVICE.parse(from_tag(tag)))
        assert to_tag(key) == tag
