from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.senders import answers
from heyday.senders.answers import Answer, parse_retry_after
from tests.fakes import MESSAGE

NOW = datetime(2027, 1, 14, 9, tzinfo=UTC)


def judge(answer: Answer, *, honours_keys: bool = True) -> Outcome:
    return answers.judge(answer, MESSAGE, NOW, honours_keys=honours_keys)


def kind(status: int, body: bytes | None = b"{}") -> OutcomeKind:
    return judge(Answer(status, body)).kind


@pytest.mark.parametrize(
    ("expected", "statuses"),
    [
        (OutcomeKind.ACCEPTED, (200, 201, 202, 299)),
        (OutcomeKind.NOT_ACCEPTED, (301, 302, 307, 308, 408, 425, 429)),
        (OutcomeKind.REFUSED, (400, 401, 403, 404, 410, 412, 413, 421, 422, 451, 499)),
        # 303: "it is done, see there"; 304 answers no POST; 300, 305, 306: who knows.
        (OutcomeKind.AMBIGUOUS, (101, 300, 303, 304, 305, 306, 399)),
        (OutcomeKind.AMBIGUOUS, (500, 501, 502, 503, 504, 511, 599, 600, 999)),
    ],
)
def test_the_class_of_each_status(expected: OutcomeKind, statuses: tuple[int, ...]):
    assert {status: kind(status) for status in statuses} == dict.fromkeys(statuses, expected)


def test_a_conflict_is_a_request_under_way_where_keys_are_honoured():
    outcome = judge(Answer(409, b"{}"), honours_keys=True)
    assert outcome.kind is OutcomeKind.AMBIGUOUS
    assert "under way" in (outcome.error or "")
    assert judge(Answer(409, b"{}"), honours_keys=False).kind is OutcomeKind.REFUSED


@pytest.mark.parametrize(
    ("trouble", "statuses"),
    [
        (None, (200, 202, 400, 413, 418, 422, 451)),
        (Trouble.PACE, (429,)),
        (Trouble.ACCOUNT, (401, 402, 403, 404, 405, 407, 410, 415, 421)),
        (Trouble.PROVIDER, (101, 204, 301, 303, 307, 408, 409, 425, 500, 503)),
    ],
)
def test_what_each_status_shows_about_the_provider(
    trouble: Trouble | None, statuses: tuple[int, ...]
):
    bodies = {204: b""}
    found = {
        status: judge(Answer(status, bodies.get(status, b"{}"))).trouble for status in statuses
    }
    assert found == dict.fromkeys(statuses, trouble)


def test_an_answer_that_denies_is_trouble():
    assert judge(Answer(200, b'{"success": false}')).trouble is Trouble.PROVIDER


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"success": true}', OutcomeKind.ACCEPTED),
        (b' {"queued": 1} ', OutcomeKind.ACCEPTED),
        (b'{"success": false}', OutcomeKind.NOT_ACCEPTED),
        (b'{"success": null}', OutcomeKind.AMBIGUOUS),
        (b'{"success": "false"}', OutcomeKind.AMBIGUOUS),
        (b'{"success": 1}', OutcomeKind.AMBIGUOUS),
        (b"", OutcomeKind.AMBIGUOUS),
        (b"OK", OutcomeKind.AMBIGUOUS),
        (b"true", OutcomeKind.AMBIGUOUS),
        (b'[{"success": true}]', OutcomeKind.AMBIGUOUS),
        (b"<html></html>", OutcomeKind.AMBIGUOUS),
        (b'{"success": tr', OutcomeKind.AMBIGUOUS),
        (b'{"success": true} {}', OutcomeKind.AMBIGUOUS),
        (b'{"a": "\xff"}', OutcomeKind.AMBIGUOUS),
        (b"[" * 60_000, OutcomeKind.AMBIGUOUS),
        (b'{"id": ' + b"9" * 5000 + b"}", OutcomeKind.AMBIGUOUS),
        (None, OutcomeKind.AMBIGUOUS),
    ],
)
def test_a_200_counts_only_with_an_object_that_does_not_deny(
    body: bytes | None, expected: OutcomeKind
):
    assert kind(200, body) is expected


@pytest.mark.parametrize("status", [400, 429, 500])
def test_the_body_of_a_fault_changes_nothing(status: int):
    bodies = (b'{"success": true}', b"<html>", b"", None)
    assert len({kind(status, body) for body in bodies}) == 1


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (b'{"id": "abc"}', "abc"),
        (b'{"message_id": 17}', "17"),
        (b'{"messageId": "<x@mail.example>"}', "<x@mail.example>"),
        (b'{"id": null, "message_id": "m"}', "m"),
        (b'{"id": true}', None),
        (b'{"id": {"a": 1}}', None),
        (b'{"id": ""}', None),
        (b'{"id": "a\\u0000b"}', "ab"),
        (b'{"id": "' + b"x" * 1000 + b'"}', "x" * 255),
        (b"{}", None),
        (b'{"success": false, "id": "abc"}', None),
    ],
)
def test_the_provider_id(body: bytes, number: str | None):
    assert judge(Answer(200, body)).provider_message_id == number


def test_an_outcome_says_what_came():
    outcome = judge(Answer(503, b"busy", retry_after="7"))
    assert outcome.code == 503
    assert outcome.body == "busy"
    assert outcome.error == "the provider answered 503"
    assert outcome.retry_after == timedelta(seconds=7)


def test_why_a_200_is_not_taken_for_one_is_said():
    broken = judge(Answer(200, None, fault="it broke off"))
    assert broken.error == "the provider answered 200, but it broke off"
    denied = judge(Answer(200, b'{"success": false}'))
    assert denied.error == "the provider answered 200, but with success false"


@pytest.mark.parametrize("status", [200, 422, 500])
def test_an_echo_of_the_person_is_not_stored(status: int):
    echo = b'{"to": "ADA.byron@example.com", "text": "Hey, \\u0041da Lovelace it\'s", "code": 5}'
    stored = judge(Answer(status, echo)).body
    assert stored == '{"to": "[...]", "text": "Hey, [...] [...] it\'s", "code": 5}'


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("0", timedelta()),
        (" 120 ", timedelta(minutes=2)),
        ("9" * 8000, timedelta(days=1)),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), timedelta(seconds=90)),
        ("Thu, 14 Jan 2027 10:00:30 +0100", timedelta(seconds=30)),
        ("Thu, 14 Jan 2027 09:00:30 -0000", timedelta(seconds=30)),
        ("Thu, 14 Jan 2010 09:00:00 GMT", timedelta()),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=1)),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("٣", None),
        ("Thu, 99 Jan 2027 09:00:00 GMT", None),
        ("Thu, 14 Jan 2027 09:00:00 +999999999", None),
    ],
)
def test_retry_after(header: str | None, wait: timedelta | None):
    assert parse_retry_after(header, NOW) == wait


@given(st.text())
def test_retry_after_takes_anything(header: str):
    wait = parse_retry_after(header, NOW)
    assert wait is None or timedelta() <= wait <= timedelta(days=1)


@given(st.integers(100, 999), st.none() | st.binary(max_size=300))
def test_any_answer_is_an_outcome_that_can_be_stored(status: int, body: bytes | None):
    outcome = judge(Answer(status, body))
    assert (outcome.kind is OutcomeKind.ACCEPTED) == (outcome.error is None)
    assert "\x00" not in (outcome.body or "")
