"""What SNS posts: signed by its certificate, of our topics, and leading nowhere else."""

import json
from base64 import b64encode
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from structlog.testing import capture_logs

from heyday.domain.errors import ConfigurationError, NotSigned, SourceUnavailable
from heyday.domain.event_ports import Posted
from heyday.domain.events import Received
from heyday.webhooks.ses import SIGNED, SesEvents, signed_part
from tests.webhooks import (
    AT,
    CERTIFICATE_URL,
    SUBSCRIBE_URL,
    TOPIC,
    Amazon,
    Telling,
    certificate,
    rsa_key,
    signed_sns,
)

KEY = "f47ac10b-58cc-4372-a567-0e02b2c3d479:BIRTHDAY:2027-01-15"
TELLING = Telling("ses", "delivered", KEY)
CONFIRM = TELLING.sns(
    "SubscriptionConfirmation",
    Message="You have chosen to subscribe to the topic.",
    Token="2336412f37fb687f5d51e6e2425dacbba",  # pragma: allowlist secret
    SubscribeURL=SUBSCRIBE_URL,
)


@pytest.fixture
def amazon() -> Amazon:
    return Amazon()


async def read(amazon: Amazon, posted: Posted) -> Received:
    return await SesEvents([TOPIC], amazon.fetch).read(posted, AT)


def changed(posted: Posted, **fields: str) -> Posted:
    return Posted(posted.headers, json.dumps(json.loads(posted.body) | fields).encode())


async def test_a_subject_is_signed_where_there_is_one(amazon: Amazon) -> None:
    message = TELLING.sns("Notification", Message="{}", Subject="Amazon SES Email Event")
    assert await read(amazon, signed_sns(message)) == Received([])
    with pytest.raises(NotSigned):
        await read(amazon, changed(signed_sns(message), Subject="another"))


async def test_the_certificate_is_fetched_once_a_day(amazon: Amazon) -> None:
    source = SesEvents([TOPIC], amazon.fetch)
    for hours in (0, 23, 24.1):
        await source.read(TELLING.posted(), AT + timedelta(hours=hours))
    assert amazon.asked == [CERTIFICATE_URL] * 2


@pytest.mark.parametrize(
    "url",
    [
        CERTIFICATE_URL.replace("https", "http"),
        CERTIFICATE_URL.replace("amazonaws.com", "amazonaws.com.evil.example"),
        CERTIFICATE_URL.replace("sns.", "evil.example/sns."),
        CERTIFICATE_URL.replace("sns.", "sns.evil.example#"),
        CERTIFICATE_URL.replace("https://", "https://user@"),
        CERTIFICATE_URL.replace("https://", "https://evil.example\\@"),
        CERTIFICATE_URL.replace("eu-central-1", "us-east-1"),
        CERTIFICATE_URL.replace(".com/", ".com:8443/"),
        CERTIFICATE_URL.replace(".com/", ".com/../"),
        CERTIFICATE_URL.replace(".com/", ".com//"),
        CERTIFICATE_URL + "?x=.pem",
        CERTIFICATE_URL + "\n",
        CERTIFICATE_URL.upper(),
        "https://s3.eu-central-1.amazonaws.com/bucket/SimpleNotificationService-x.pem",
        "https://sns.eu-central-1.amazonaws.com/",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "",
    ],
)
async def test_no_certificate_is_fetched_from_anywhere_else(amazon: Amazon, url: str) -> None:
    with pytest.raises(NotSigned) as refused:
        await read(amazon, changed(TELLING.posted(), SigningCertURL=url))
    assert refused.value.fault == "a certificate from elsewhere"
    assert amazon.asked == []


@pytest.mark.parametrize(
    "url",
    [
        SUBSCRIBE_URL.replace("https", "http"),
        SUBSCRIBE_URL.replace("sns.eu-central-1.amazonaws.com", "evil.example"),
        SUBSCRIBE_URL.replace("amazonaws.com", "amazonaws.com@evil.example"),
        SUBSCRIBE_URL.replace("amazonaws.com", "amazonaws.com.evil.example"),
        SUBSCRIBE_URL.replace("eu-central-1.amazonaws", "us-east-1.amazonaws"),
        SUBSCRIBE_URL.replace("ConfirmSubscription", "DeleteTopic"),
        SUBSCRIBE_URL.replace("?", "?Action=DeleteTopic&"),
        SUBSCRIBE_URL + "\r\nX: y",
        SUBSCRIBE_URL + "#x",
        "http://169.254.169.254/",
        "",
    ],
)
async def test_no_subscription_is_confirmed_anywhere_else(amazon: Amazon, url: str) -> None:
    posted = signed_sns({**CONFIRM, "SubscribeURL": url})
    with pytest.raises(NotSigned) as refused:
        await read(amazon, posted)
    assert refused.value.fault == "a confirmation that leads elsewhere"
    assert amazon.asked == [CERTIFICATE_URL]


async def test_a_subscription_to_our_topic_is_confirmed_and_its_token_not_told(
    amazon: Amazon,
) -> None:
    with capture_logs() as logs:
        assert await read(amazon, signed_sns(CONFIRM)) == Received([])
    assert amazon.asked == [CERTIFICATE_URL, SUBSCRIBE_URL]
    assert [line["event"] for line in logs] == ["webhook_subscribed"]
    assert "2336412f" not in str(logs)


async def test_a_confirmation_that_does_not_get_through_is_asked_for_again(amazon: Amazon) -> None:
    source = SesEvents([TOPIC], amazon.fetch)
    await source.read(TELLING.posted(), AT)
    amazon.fault = SourceUnavailable("away")
    with pytest.raises(SourceUnavailable):
        await source.read(signed_sns(CONFIRM), AT)


@pytest.mark.parametrize("type_", SIGNED)
@pytest.mark.parametrize(
    "topic", ["arn:aws:sns:eu-central-1:123456789012:other", "", TOPIC.replace("123", "321")]
)
async def test_another_topic_is_refused_before_anything_is_fetched(
    amazon: Amazon, topic: str, type_: str
) -> None:
    with pytest.raises(NotSigned) as refused:
        await read(amazon, signed_sns({**CONFIRM, "Type": type_, "TopicArn": topic}))
    assert refused.value.fault == "no topic of ours"
    assert amazon.asked == []


async def test_the_end_of_a_subscription_is_told_of(amazon: Amazon) -> None:
    with capture_logs() as logs:
        posted = signed_sns({**CONFIRM, "Type": "UnsubscribeConfirmation"})
        assert await read(amazon, posted) == Received([])
    assert [line["event"] for line in logs] == ["webhook_unsubscribed"]
    assert amazon.asked == [CERTIFICATE_URL]


async def test_a_signature_by_sha_1_is_refused(amazon: Amazon) -> None:
    message = TELLING.sns("Notification", Message="{}")
    signature = rsa_key().sign(
        signed_part(message, SIGNED["Notification"]),
        PKCS1v15(),
        SHA1(),  # noqa: S303 - see above
    )
    told = {"Signature": b64encode(signature).decode(), "SignatureVersion": "1"}
    with pytest.raises(NotSigned, match="signed by no provider") as refused:
        await read(amazon, changed(signed_sns(message), **told))
    assert refused.value.fault == "the topic's SignatureVersion is not 2"


@pytest.mark.parametrize("signature", ["", "!!!", "AAAA"])
async def test_another_signature_is_refused(amazon: Amazon, signature: str) -> None:
    with pytest.raises(NotSigned):
        await read(amazon, changed(TELLING.posted(), Signature=signature))


async def test_a_signature_with_another_key_is_refused(amazon: Amazon) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    posted = TELLING.posted()
    part = signed_part(json.loads(posted.body), SIGNED["Notification"])
    signature = b64encode(stranger.sign(part, PKCS1v15(), SHA256())).decode()
    with pytest.raises(NotSigned):
        await read(amazon, changed(posted, Signature=signature))


@pytest.mark.parametrize("pem", [b"", b"x", certificate(ends=2025), certificate(starts=2030)])
async def test_a_certificate_that_is_none_or_not_valid_now_is_refused(pem: bytes) -> None:
    with pytest.raises(NotSigned):
        await read(Amazon(pem), TELLING.posted())


@pytest.mark.parametrize("message", ["", "Successfully validated SNS topic.", "{}", "[]"])
async def test_what_is_no_event_is_of_no_matter(amazon: Amazon, message: str) -> None:
    posted = signed_sns(TELLING.sns("Notification", Message=message))
    assert await read(amazon, posted) == Received([])


@pytest.mark.parametrize("topic", ["", "heyday", "arn:aws:sqs:eu-central-1:123456789012:heyday"])
def test_what_is_no_topic_says_so(amazon: Amazon, topic: str) -> None:
    with pytest.raises(ConfigurationError, match="HEYDAY_EVENTS_SES_TOPICS"):
        SesEvents([topic], amazon.fetch)
