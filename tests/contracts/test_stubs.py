"""The stubs of providers take what is described, and nothing else: else they would show nothing."""

import pytest

from tests.contracts.recorded import FOLDER
from tests.contracts.scene import PROVIDERS
from tests.contracts.stub import Incoming

EACH = pytest.mark.parametrize("name", PROVIDERS)
# What each is told in the place of something it knows: a field, a type, a limit.
WRONG = [
    ("postmark", b'"TextBody"', b'"TextBodies"'),
    ("postmark", b'"To":"ada.byron@example.com"', b'"To":["ada.byron@example.com"]'),
    ("postmark", b'"heyday_key"', b'"heyday_key_which_is_too_long"'),
    ("postmark", b"ada.byron@example.com", b"ada@example.com,eve@example.com"),
    ("resend", b'"tags":[{"name":"heyday_key"', b'"tags":[{"name":"heyday key"'),
    ("resend", b"__BIRTHDAY__", b":BIRTHDAY:"),
    ("resend", b'"subject":"Happy birthday!",', b""),
    ("sendgrid", b'"content":[', b'"contents":['),
    ("sendgrid", b'"Message-ID"', b'"Reply-To"'),
    ("sendgrid", b'"type":"text/plain"', b'"type":"text/html"'),
    ("sendgrid", b'"value":"Hey', b'"values":"Hey'),
    ("mailgun", b'name="text"', b'name="message"'),
    ("mailgun", b'name="subject"', b'name="text"'),
    ("mailgun", b"ada.byron@example.com", b"ada@example.com,eve@example.com"),
    ("ses", b"Happy", b"Happi"),  # what was signed is another
    ("ses", b"X-Amz-Date: 2027", b"X-Amz-Date: 2026"),
    ("webhook", b"Happy", b"Happi"),
    ("webhook", b"webhook-timestamp: 1799", b"webhook-timestamp: 1798"),
]


def recorded(name: str) -> bytes:
    return (FOLDER / f"{name}-plain.http").read_bytes()


def status_of(name: str, raw: bytes) -> int:
    return PROVIDERS[name].contract().answer(Incoming.read(raw)).status


@EACH
def test_what_is_recorded_is_taken(name: str):
    assert status_of(name, recorded(name)) in {200, 202, 204}


@pytest.mark.parametrize(("name", "known", "wrong"), WRONG)
def test_what_is_not_described_is_refused(name: str, known: bytes, wrong: bytes):
    raw = recorded(name)
    assert raw.count(known) >= 1
    assert status_of(name, raw.replace(known, wrong)) // 100 == 4


@pytest.mark.parametrize("name", [name for name in PROVIDERS if name not in {"ses", "webhook"}])
def test_a_wrong_key_opens_nothing(name: str):
    raw = recorded(name)
    for known in (b"-key", b"postmark-token", b"Basic YXBp"):
        raw = raw.replace(known, b"nothing", 1) if known in raw.partition(b"\r\n\r\n")[0] else raw
    assert status_of(name, raw) == 401
