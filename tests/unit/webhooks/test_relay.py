"""What every provider posts is read alike, and nothing that it did not sign."""

from dataclasses import replace
from datetime import timedelta

import pytest

from heyday.domain.errors import NotSigned
from heyday.domain.event_ports import EventSource, Posted
from heyday.domain.events import EventKind, ProviderEvent, Received
from heyday.webhooks.relay import RelayEvents
from tests.webhooks import AT, KINDS, PROVIDERS, SECRET, Telling, signed_standard, sources

KEY = "f47ac10b-58cc-4372-a567-0e02b2c3d479:BIRTHDAY:2027-01-15"
KNOWN = {source.provider: source for source in sources()}


async def read(posted: Posted, provider: str, source: EventSource | None = None) -> Received:
    return await (source or KNOWN[provider]).read(posted, AT)


async def only(posted: Posted, provider: str) -> ProviderEvent:
    (event,) = (await read(posted, provider)).events
    return event


def test_all_providers_are_known() -> None:
    assert tuple(KNOWN) == PROVIDERS


@pytest.mark.parametrize(("provider", "kind"), KINDS)
async def test_a_documented_request_is_read(provider: str, kind: str) -> None:
    event = await only(Telling(provider, kind, KEY).posted(), provider)
    assert (event.kind, event.key, event.recipient) == (EventKind(kind), KEY, "ada@example.com")
    assert event.greeting is not None
    if (provider, kind) not in {("ses", "accepted"), ("ses", "dropped")}:
        assert event.at(AT) == AT
    if kind == "bounced":
        assert event.code == "5.1.1"


@pytest.mark.parametrize(("provider", "kind"), KINDS)
async def test_the_same_event_has_the_same_id_and_another_another(provider: str, kind: str) -> None:
    telling = Telling(provider, kind, KEY)
    ids = [
        (await only(each.posted(), provider)).id
        for each in (telling, telling, telling.another(name="event-2"))
    ]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_is_changed_on_the_way_is_refused(provider: str) -> None:
    posted = Telling(provider, "delivered", KEY).posted()
    # Mailgun and Postmark sign no body: there it is the token and the login.
    changed = {
        "mailgun": (b"token-event-1", b"token-event-2"),
        "postmark": None,
    }.get(provider, (b"2027-01-15", b"2028-01-15"))
    if changed is None:
        headers = {"authorization": posted.headers["authorization"][:-4] + "AAA="}
        forged = replace(posted, headers=headers)
    else:
        assert changed[0] in posted.body
        forged = replace(posted, body=posted.body.replace(*changed))
    with pytest.raises(NotSigned):
        await read(forged, provider)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b"[[]]", b'{"signature": 1}', b'"x"'])
async def test_what_nobody_signed_is_refused(provider: str, body: bytes) -> None:
    with pytest.raises(NotSigned):
        await read(Posted({}, body), provider)


@pytest.mark.parametrize("provider", ["resend", "webhook", "mailgun"])
@pytest.mark.parametrize("hours", [-13, 1])
async def test_what_was_signed_at_another_time_is_refused(provider: str, hours: int) -> None:
    posted = Telling(provider, "delivered", KEY).posted(AT + timedelta(hours=hours))
    with pytest.raises(NotSigned) as refused:
        await read(posted, provider)
    assert refused.value.fault == "signed at another time"


async def test_a_relay_may_tell_what_we_do_not_know() -> None:
    posted = signed_standard(b'{"type": "greeting.opened", "data": {}}', "x", AT)
    assert await read(posted, "webhook") == Received([])


async def test_a_secret_gives_way_to_the_next() -> None:
    posted = Telling("webhook", "delivered", KEY).posted()
    other = "whsec_" + "A" * 43 + "="
    assert (await read(posted, "webhook", RelayEvents([other, SECRET]))).events
    with pytest.raises(NotSigned):
        await read(posted, "webhook", RelayEvents([other]))
