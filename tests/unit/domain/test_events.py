"""What events mean, by themselves."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from heyday.domain.events import (
    EventKind,
    NotedEvent,
    ProviderEvent,
    ToldEvent,
    Word,
    departures_of,
)
from heyday.domain.suppressions import Reason
from heyday.domain.transitions import Status, is_legal

NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
KEY = f"{UUID(int=0xABC)}:BIRTHDAY:2027-01-15"


def noted(kind: EventKind, recipient: str | None = "ada@example.com") -> NotedEvent:
    event = ProviderEvent(UUID(int=2), kind, KEY, NINE, recipient)
    return NotedEvent(event, UUID(int=3), UUID(int=1), "BIRTHDAY", NINE, Status.SENT)


@pytest.mark.parametrize("kind", EventKind)
def test_a_verdict_is_a_legal_end_for_what_is_unknown(kind: EventKind) -> None:
    verdict = Word(UUID(int=3), NINE, 1, ToldEvent("ses", kind, NINE)).verdict
    assert verdict is (Status.FAILED if kind is EventKind.DROPPED else Status.SENT)
    assert is_legal(Status.UNKNOWN, verdict)


def test_who_complains_or_is_not_there_leaves_all_and_who_leaves_leaves_one() -> None:
    found = [
        (kind, each.message_type, each.reason, each.address)
        for kind in EventKind
        for each in departures_of([noted(kind)])
    ]
    assert found == [
        (EventKind.BOUNCED, None, Reason.BOUNCED, "ada@example.com"),
        (EventKind.COMPLAINED, None, Reason.COMPLAINED, "ada@example.com"),
        (EventKind.UNSUBSCRIBED, "BIRTHDAY", Reason.UNSUBSCRIBED, "ada@example.com"),
    ]


def test_an_event_needs_an_aware_instant_and_happened_before_we_heard_of_it() -> None:
    with pytest.raises(ValueError, match="aware"):
        ProviderEvent(UUID(int=1), EventKind.ACCEPTED, KEY, datetime(2027, 1, 1))  # noqa: DTZ001 - what is refused
    event = ProviderEvent(UUID(int=1), EventKind.ACCEPTED, KEY, NINE)
    assert event.at(NINE + timedelta(hours=1)) == NINE
    assert event.at(NINE - timedelta(hours=1)) == NINE - timedelta(hours=1)
    assert ProviderEvent(UUID(int=1), EventKind.ACCEPTED, KEY).at(NINE) == NINE


@pytest.mark.parametrize(
    "key", ["", "::", KEY.upper(), KEY.replace("BIRTHDAY", "OTHER"), KEY.replace("2027", "1999")]
)
def test_a_key_that_we_never_made_is_of_no_greeting(key: str) -> None:
    assert ProviderEvent(UUID(int=1), EventKind.ACCEPTED, key).greeting is None


def test_what_a_person_reads_names_provider_kind_and_code() -> None:
    assert str(ToldEvent("ses", EventKind.BOUNCED, NINE, "5.1.1")) == "ses: bounced (5.1.1)"
    assert str(ToldEvent("ses", EventKind.DELIVERED, NINE)) == "ses: delivered"
