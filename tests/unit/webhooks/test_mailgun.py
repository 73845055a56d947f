"""Mailgun's tokens."""

from heyday.domain.events import Received
from heyday.webhooks.mailgun import MailgunEvents
from tests.webhooks import AT, MAILGUN_KEY, Telling, signed_mailgun

KEY = "f47ac10b-58cc-4372-a567-0e02b2c3d479:BIRTHDAY:2027-01-15"


async def read(telling: Telling) -> Received:
    return await MailgunEvents([MAILGUN_KEY]).read(telling.posted(), AT)


async def test_a_token_is_known_again_and_so_is_what_it_was_used_for() -> None:
    telling = Telling("mailgun", "delivered", KEY)
    first, again = (await read(telling)).token, (await read(telling)).token
    other = (await read(telling.another(kind="complained"))).token
    assert first is not None
    assert other is not None
    assert first == again
    assert (other.id, other.request_id == first.request_id) == (first.id, False)


async def test_the_token_of_what_does_not_matter_is_used_as_well() -> None:
    posted = signed_mailgun({"event": "opened"}, AT, "t")
    received = await MailgunEvents([MAILGUN_KEY]).read(posted, AT)
    assert received.events == []
    assert received.token is not None
