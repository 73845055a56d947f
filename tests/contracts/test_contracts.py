"""Every provider by its own description, over real sockets on loopback."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.senders.place import Place
from heyday.senders.providers.sender import as_sent, write_request
from tests.contracts import mailgun, postmark, resend, sendgrid, ses
from tests.contracts.scene import (
    ORIGIN,
    PROVIDERS,
    RICH,
    WRITER,
    sender_for,
)
from tests.contracts.stub import Act, Behaviour, Incoming, Reply, Stub
from tests.fakes import MESSAGE, START_AT

ACCEPTED, REFUSED = OutcomeKind.ACCEPTED, OutcomeKind.REFUSED
NOT_ACCEPTED, AMBIGUOUS = OutcomeKind.NOT_ACCEPTED, OutcomeKind.AMBIGUOUS
SHORT = timedelta(milliseconds=600)
IDS = {
    "mailgun": "<mg-1@mg.example.com>",
    "postmark": "00000000-0000-0000-0000-000000000001",
    "resend": "re-1",
    "sendgrid": "sg-1",
    "ses": "0107018c-1",
    "webhook": None,
}
EACH = pytest.mark.parametrize("name", PROVIDERS)


def always(act: "Act | Reply") -> Behaviour:
    return lambda _, __: act


async def send_one(stub: Stub, name: str, within: timedelta = timedelta(seconds=10)) -> Outcome:
    async with sender_for(name, stub.url, within=within) as sender:
        (outcome,) = await sender.send_many([MESSAGE])
    return outcome


# --- The request ------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("message", [MESSAGE, RICH], ids=["plain", "rich"])
async def test_a_letter_is_taken_as_it_is_described(name: str, message: object):
    assert isinstance(message, type(MESSAGE))
    async with Stub(PROVIDERS[name].contract()) as stub:
        async with sender_for(name, stub.url) as sender:
            (outcome,) = await sender.send_many([message])
        assert (outcome.kind, outcome.error) == (ACCEPTED, None), outcome.body
        assert outcome.provider_message_id == IDS[name]
        assert stub.accepted == {message.idempotency_key: 1}


@EACH
async def test_what_arrives_is_what_was_written(name: str):
    async with Stub(PROVIDERS[name].contract()) as stub:
        await send_one(stub, name)
        dialect = PROVIDERS[name].speak(stub.url, ORIGIN)
        letter = as_sent(WRITER.write(MESSAGE))
        assert letter is not None
        written = write_request(dialect, Place(stub.url, dialect.headers), [letter], START_AT)
        assert [incoming.raw for incoming in stub.requests] == [written]


@EACH
async def test_no_address_of_two_is_sent_to_and_nobody_is_asked(name: str):
    two = replace(MESSAGE, email="ada@example.com,eve@example.com")
    async with Stub(PROVIDERS[name].contract()) as stub:
        async with sender_for(name, stub.url) as sender:
            (outcome,) = await sender.send_many([two])
        assert (outcome.kind, outcome.trouble) == (REFUSED, None)
        assert stub.requests == []


# --- Answers ----------------------------------------------------------------------------------

NOT_OURS = {
    "mailgun": Reply(401, b"Forbidden"),
    "postmark": postmark.refusal(401, 10, "no token"),
    "resend": resend.refusal(401, "validation_error", "API key is invalid"),
    "sendgrid": sendgrid.refusal(401, "authorization required"),
    "ses": ses.refusal(403, "InvalidSignatureException"),
    "webhook": Reply(401, b"no signature of ours"),
}


@EACH
@pytest.mark.parametrize("status", [401, 403, 404])
async def test_what_is_about_our_account_fails_no_letter(name: str, status: int):
    answer = replace(NOT_OURS[name], status=status)
    async with Stub(PROVIDERS[name].contract(), always(answer)) as stub:
        outcome = await send_one(stub, name)
    assert (outcome.kind, outcome.trouble) == (NOT_ACCEPTED, Trouble.ACCOUNT)
    assert outcome.code == status


@EACH
@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_of_a_5xx_nobody_knows_whether_the_letter_was_taken(name: str, status: int):
    answer = replace(NOT_OURS[name], status=status)
    async with Stub(PROVIDERS[name].contract(), always(answer)) as stub:
        outcome = await send_one(stub, name)
    assert (outcome.kind, outcome.trouble) == (AMBIGUOUS, Trouble.PROVIDER)


@EACH
@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_is_about_the_letter_fails_it(name: str, status: int):
    async with Stub(PROVIDERS[name].contract(), always(Reply(status, b"{}"))) as stub:
        outcome = await send_one(stub, name)
    assert (outcome.kind, outcome.trouble, outcome.is_of_batch) == (REFUSED, None, False)


@EACH
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed(name: str, status: int):
    async with Stub(PROVIDERS[name].contract()) as other:
        away = Reply(status, b"", {"Location": f"{other.url}/elsewhere"})
        async with Stub(PROVIDERS[name].contract(), always(away)) as stub:
            outcome = await send_one(stub, name)
        assert other.requests == []
    assert outcome.kind is NOT_ACCEPTED


@EACH
@pytest.mark.parametrize("wait", ["7", "Thu, 14 Jan 2027 00:00:07 GMT"])
async def test_too_often_is_a_matter_of_pace(name: str, wait: str):
    busy = Reply(429, b"{}", {"Retry-After": wait})
    async with Stub(PROVIDERS[name].contract(), always(busy)) as stub:
        outcome = await send_one(stub, name)
    assert (outcome.kind, outcome.trouble) == (NOT_ACCEPTED, Trouble.PACE)
    assert outcome.retry_after == timedelta(seconds=7)


@EACH
@pytest.mark.parametrize("act", Act)
async def test_no_answer_is_ambiguous(name: str, act: Act):
    async with Stub(PROVIDERS[name].contract(), always(act)) as stub:
        outcome = await send_one(stub, name, SHORT)
        assert (outcome.kind, outcome.trouble) == (AMBIGUOUS, Trouble.PROVIDER)
        assert stub.accepted.total() == (act is not Act.HANG)
        assert len(stub.requests) == 1


@EACH
async def test_where_nobody_listens_nothing_was_accepted(name: str):
    async with sender_for(name, "http://127.0.0.1:9") as sender:
        (outcome,) = await sender.send_many([MESSAGE])
    assert (outcome.kind, outcome.trouble) == (NOT_ACCEPTED, Trouble.PROVIDER)


# Without the id that was promised nobody can say what was done; a webhook promises none.
@pytest.mark.parametrize("name", [name for name, found in IDS.items() if found])
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"id": 7}', b"\xff"])
async def test_a_success_that_is_none_of_theirs_is_ambiguous(name: str, body: bytes):
    async with Stub(PROVIDERS[name].contract(), always(Reply(200, body))) as stub:
        outcome = await send_one(stub, name)
    assert (outcome.kind, outcome.trouble) == (AMBIGUOUS, Trouble.PROVIDER)


@pytest.mark.parametrize(
    ("name", "answer", "kind", "trouble", "wait"),
    [
        ("postmark", postmark.refusal(422, 300, "invalid"), REFUSED, None, None),
        ("postmark", postmark.refusal(422, 406, "inactive"), REFUSED, None, None),
        ("postmark", postmark.refusal(422, 405, "credits"), NOT_ACCEPTED, Trouble.ACCOUNT, None),
        ("postmark", postmark.refusal(422, 412, "pending"), NOT_ACCEPTED, Trouble.ACCOUNT, None),
        ("postmark", postmark.refusal(503, 100, "maintenance"), AMBIGUOUS, Trouble.PROVIDER, None),
        ("resend", resend.refusal(422, "validation_error"), REFUSED, None, None),
        ("resend", resend.refusal(403, "validation_error"), NOT_ACCEPTED, Trouble.ACCOUNT, None),
        ("resend", resend.refusal(429, "rate_limit_exceeded"), NOT_ACCEPTED, Trouble.PACE, None),
        (
            "resend",
            resend.refusal(429, "daily_quota_exceeded"),
            NOT_ACCEPTED,
            Trouble.ACCOUNT,
            None,
        ),
        (
            "resend",
            resend.refusal(409, "concurrent_idempotent_requests"),
            AMBIGUOUS,
            Trouble.PROVIDER,
            None,
        ),
        ("ses", ses.refusal(400, "MessageRejected"), REFUSED, None, None),
        ("ses", ses.refusal(400, "BadRequestException"), REFUSED, None, None),
        ("ses", ses.refusal(429, "TooManyRequestsException"), NOT_ACCEPTED, Trouble.PACE, None),
        ("ses", ses.refusal(400, "SendingPausedException"), NOT_ACCEPTED, Trouble.ACCOUNT, None),
        ("ses", ses.refusal(400, "AccountSuspendedException"), NOT_ACCEPTED, Trouble.ACCOUNT, None),
        ("ses", ses.refusal(400, "LimitExceededException"), NOT_ACCEPTED, Trouble.ACCOUNT, None),
        (
            "ses",
            ses.refusal(400, "MailFromDomainNotVerifiedException"),
            NOT_ACCEPTED,
            Trouble.ACCOUNT,
            None,
        ),
        (
            "mailgun",
            mailgun.saying(429, "Domain x is not allowed to send: try again after 120 seconds"),
            NOT_ACCEPTED,
            Trouble.PACE,
            120,
        ),
        (
            "sendgrid",
            sendgrid.refusal(
                429,
                "too many requests",
                {"X-RateLimit-Reset": str(int(START_AT.timestamp()) + 30)},
            ),
            NOT_ACCEPTED,
            Trouble.PACE,
            30,
        ),
        (
            "sendgrid",
            sendgrid.refusal(429, "too many", {"X-RateLimit-Reset": "1"}),
            NOT_ACCEPTED,
            Trouble.PACE,
            0,
        ),
    ],
)
async def test_what_a_provider_says_of_its_own_is_understood(
    name: str, answer: Reply, kind: OutcomeKind, trouble: Trouble | None, wait: int | None
):
    async with Stub(PROVIDERS[name].contract(), always(answer)) as stub:
        outcome = await send_one(stub, name)
    assert (outcome.kind, outcome.trouble) == (kind, trouble)
    expected = None if wait is None else timedelta(seconds=wait)
    assert outcome.retry_after == expected


@EACH
@pytest.mark.parametrize("status", [200, 202, 400, 401, 429, 500])
async def test_nothing_of_a_person_is_kept_of_an_answer(name: str, status: int):
    personal = replace(
        RICH,
        email="byron@example.com",
        subject="Alles Gute, Lovelace",
        text="Liebe Augusta",
        html="<b>Babbage</b>",
    )
    said = WRITER.write(personal)

    def echo(incoming: Incoming, _: int) -> Reply:
        fault = {"ErrorCode": 300, "name": "Lovelace", "Message": incoming.body.decode()}
        headers = {"x-amzn-ErrorType": "Lovelace"}
        return Reply(status, json.dumps(fault | {"url": said.unsubscribe_url}).encode(), headers)

    async with (
        Stub(PROVIDERS[name].contract(), echo) as stub,
        sender_for(name, stub.url) as sender,
    ):
        (outcome,) = await sender.send_many([personal])
    kept = f"{outcome.body} {outcome.error} {outcome.provider_message_id}"
    token = str(said.unsubscribe_url).rpartition("/")[2]
    found = [w for w in ("byron", "Lovelace", "Augusta", "Babbage", token) if w in kept]
    assert found == []


# --- Keys -------------------------------------------------------------------------------------


@EACH
async def test_for_how_long_a_key_is_known(name: str):
    lifetime = sender_for(name, "http://127.0.0.1:9").key_lifetime
    assert lifetime == (timedelta(hours=24) if name in {"resend", "webhook"} else None)


@pytest.mark.parametrize("name", ["resend", "webhook"])
async def test_a_repeat_after_no_answer_is_no_second_letter(name: str):
    def hang_up_first(_: Incoming, number: int) -> Act | None:
        return Act.HANG_UP_ACCEPTED if number == 1 else None

    async with Stub(PROVIDERS[name].contract(), hang_up_first) as stub:
        first, second = await send_one(stub, name), await send_one(stub, name)
        assert (first.kind, second.kind) == (AMBIGUOUS, ACCEPTED)
        assert stub.accepted == {MESSAGE.idempotency_key: 1}


async def test_another_text_with_a_known_key_is_for_a_person_to_decide():
    async with Stub(resend.Resend()) as stub, sender_for("resend", stub.url) as sender:
        await sender.send_many([MESSAGE])
        (outcome,) = await sender.send_many([replace(MESSAGE, text="another")])
    assert (outcome.kind, outcome.trouble) == (OutcomeKind.FORGOTTEN, None)


def test_a_batch_that_the_provider_does_not_take_is_none_of_ours():
    for name, known in PROVIDERS.items():
        most = known.speak("http://127.0.0.1:9", ORIGIN).batch_limit
        with pytest.raises(ValueError, match=f"expected 1 to {most}"):
            sender_for(name, "http://127.0.0.1:9", batch_size=most + 1)
