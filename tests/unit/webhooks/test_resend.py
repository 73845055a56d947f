"""Where Resend puts tags."""

import json

import pytest

from heyday.domain.idempotency import to_tag
from heyday.webhooks.resend import ResendEvents
from tests.webhooks import AT, SECRET, signed_standard

KEY = "f47ac10b-58cc-4372-a567-0e02b2c3d479:BIRTHDAY:2027-01-15"


async def read(tags: object, type_: str = "email.delivered") -> list[str]:
    told = {"type": type_, "data": {"tags": tags}}
    posted = signed_standard(json.dumps(told).encode(), "x", AT, "svix")
    return [event.key for event in (await ResendEvents([SECRET]).read(posted, AT)).events]


@pytest.mark.parametrize(
    "tags",
    [
        {"heyday_key": to_tag(KEY)},
        [{"name": "other", "value": "x"}, {"name": "heyday_key", "value": to_tag(KEY)}],
    ],
)
async def test_the_key_is_found_in_tags_of_either_form(tags: object) -> None:
    assert await read(tags) == [KEY]


@pytest.mark.parametrize("tags", [None, [], [None], {"heyday_key": 1}, "x"])
async def test_a_letter_without_our_tag_has_no_key_of_ours(tags: object) -> None:
    assert await read(tags) == ["::"]


async def test_openings_are_not_looked_at() -> None:
    assert await read({}, "email.opened") == []
