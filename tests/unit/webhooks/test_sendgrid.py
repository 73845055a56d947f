"""Many events of SendGrid by one request."""

import json
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from heyday.domain.errors import ConfigurationError, EventsUnreadable
from heyday.domain.events import EventKind
from heyday.webhooks.sendgrid import SendGridEvents, read_key
from tests.webhooks import AT, SENDGRID, Telling, sendgrid_key, signed_sendgrid

KEY = "f47ac10b-58cc-4372-a567-0e02b2c3d479:BIRTHDAY:2027-01-15"


async def read(told: object) -> list[EventKind]:
    posted = signed_sendgrid(json.dumps(told).encode(), AT)
    received = await SendGridEvents([sendgrid_key()]).read(posted, AT)
    return [event.kind for event in received.events]


async def test_each_event_of_a_list_is_read_and_others_are_left_out() -> None:
    told = [Telling("sendgrid", kind, KEY, name=kind).sendgrid() for kind in SENDGRID]
    other = (
        {**told[0], "event": "open"},
        {**told[0], "heyday_key": 1},
        {**told[0], "sg_event_id": ""},
    )
    assert await read([*told, *other, None, 1, []]) == list(SENDGRID)


async def test_what_is_no_list_is_unreadable() -> None:
    with pytest.raises(EventsUnreadable):
        await read({"event": "delivered"})


@pytest.mark.parametrize("written", ["", "x", "AAAA", "\u00e9"])
def test_a_key_that_cannot_be_read_says_so(written: str) -> None:
    with pytest.raises(ConfigurationError, match="HEYDAY_EVENTS_SENDGRID_KEY"):
        read_key(written)


def test_a_key_of_another_kind_is_none() -> None:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ConfigurationError):
        read_key(b64encode(der).decode())
