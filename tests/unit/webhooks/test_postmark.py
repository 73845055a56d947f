"""What Postmark calls bounces, and what it does not."""

import pytest

from heyday.domain.errors import NotSigned
from heyday.domain.event_ports import Posted
from heyday.domain.events import EventKind
from heyday.webhooks.postmark import PostmarkEvents
from tests.webhooks import AT, LOGIN, signed_postmark

SOURCE = PostmarkEvents([LOGIN])


async def kinds(told: object) -> list[EventKind]:
    return [event.kind for event in (await SOURCE.read(signed_postmark(told), AT)).events]


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("HardBounce", "bounced"),
        ("BadEmailAddress", "bounced"),
        ("SpamComplaint", "complained"),
        ("Unsubscribe", "unsubscribed"),
        ("Blocked", "returned"),
        ("DnsError", "returned"),
        ("a new one", "returned"),
    ],
)
async def test_only_what_is_for_good_is_taken_so(type_: str, kind: str) -> None:
    assert await kinds({"RecordType": "Bounce", "ID": 42, "Type": type_}) == [EventKind(kind)]


@pytest.mark.parametrize(
    "told",
    [
        {"RecordType": "Open"},
        {"RecordType": "SubscriptionChange", "SuppressSending": True},
        {"SuppressSending": False, "SuppressionReason": "ManualSuppression"},
        None,
    ],
)
async def test_the_rest_is_of_no_matter(told: object) -> None:
    assert await kinds(told) == []


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !!!", "Bearer x", "Basic cG9zdG1hcms6", "Basic \u00e9"]
)
async def test_another_login_is_refused(header: str) -> None:
    with pytest.raises(NotSigned):
        await SOURCE.read(Posted({"authorization": header}, b"{}"), AT)
