"""What providers post, as their documents show it, signed with real keys.

Bodies are the examples of those documents, cut to what tells something, with our key in the place
that it comes back in:
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html,
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event,
https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads,
https://postmarkapp.com/developer/webhooks/webhooks-overview,
https://resend.com/docs/webhooks/event-types.
"""

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from heyday.domain.event_ports import EventSource, Posted
from heyday.domain.idempotency import to_tag
from heyday.webhooks.mailgun import MailgunEvents
from heyday.webhooks.postmark import PostmarkEvents
from heyday.webhooks.relay import RelayEvents
from heyday.webhooks.resend import ResendEvents
from heyday.webhooks.sendgrid import SIGNATURE, TIMESTAMP, SendGridEvents
from heyday.webhooks.ses import SIGNED, SesEvents, signed_part

PROVIDERS = ("ses", "sendgrid", "mailgun", "postmark", "resend", "webhook")
TOPIC = "arn:aws:sns:eu-central-1:123456789012:heyday"
CERTIFICATE_URL = (
    "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-"
    "0123456789abcdef0123456789abcdef.pem"
)
SUBSCRIBE_URL = (
    "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription"
    f"&TopicArn={TOPIC}&Token=2336412f37fb687f5d51e6e2425dacbba"
)
SECRET = "whsec_" + b64encode(bytes(range(32))).decode()
MAILGUN_KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"
LOGIN = "postmark:0123456789abcdef0123456789abcdef"
AT = datetime(2027, 1, 15, 9, 0, 5, tzinfo=UTC)


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def certificate(ends: int = 2040, starts: int = 2020) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=rsa_key().public_key(),
        serial_number=1,
        not_valid_before=datetime(starts, 1, 1, tzinfo=UTC),
        not_valid_after=datetime(ends, 1, 1, tzinfo=UTC),
    )
    return builder.sign(rsa_key(), SHA256()).public_bytes(Encoding.PEM)


@dataclass
class Amazon:
    """Stand for SNS itself: serve a certificate, and remember what was asked for."""

    pem: bytes = field(default_factory=certificate)
    asked: list[str] = field(default_factory=list)
    fault: Exception | None = None

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if self.fault:
            raise self.fault
        return self.pem


def sendgrid_key() -> str:
    public = ec_key().public_key()
    return b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def sources(amazon: Amazon | None = None) -> Sequence[EventSource]:
    """What knows every provider, with the keys of these tests."""
    return [
        SesEvents([TOPIC], (amazon or Amazon()).fetch),
        SendGridEvents([sendgrid_key()]),
        MailgunEvents([MAILGUN_KEY]),
        PostmarkEvents([LOGIN]),
        ResendEvents([SECRET]),
        RelayEvents([SECRET]),
    ]


# --- Signing -----------------------------------------------------------------------------------


def signed_standard(body: bytes, name: str, now: datetime, prefix: str = "webhook") -> Posted:
    at = str(int(now.timestamp()))
    digest = hmac.digest(b64decode(SECRET[6:]), f"{name}.{at}.".encode() + body, "sha256")
    signature = f"v1,{b64encode(digest).decode()}"
    given = {"id": name, "timestamp": at, "signature": signature}
    return Posted({f"{prefix}-{key}": value for key, value in given.items()}, body)


def signed_sendgrid(body: bytes, now: datetime) -> Posted:
    at = str(int(now.timestamp()))
    signature = ec_key().sign(at.encode() + body, ec.ECDSA(SHA256()))
    return Posted({SIGNATURE: b64encode(signature).decode(), TIMESTAMP: at}, body)


def signed_sns(message: Mapping[str, str]) -> Posted:
    part = signed_part(message, SIGNED[message["Type"]])
    signature = b64encode(rsa_key().sign(part, PKCS1v15(), SHA256())).decode()
    body = {"SignatureVersion": "2", "SigningCertURL": CERTIFICATE_URL, "Signature": signature}
    headers = {"x-amz-sns-message-type": message["Type"], "content-type": "text/plain"}
    return Posted(headers, json.dumps({**body, **message}).encode())


def signed_mailgun(data: object, now: datetime, token: str) -> Posted:
    at = str(int(now.timestamp()))
    signature = hmac.new(MAILGUN_KEY.encode(), f"{at}{token}".encode(), sha256).hexdigest()
    signed = {"timestamp": at, "token": token, "signature": signature}
    return Posted({}, json.dumps({"signature": signed, "event-data": data}).encode())


def signed_postmark(told: object, login: str = LOGIN) -> Posted:
    header = f"Basic {b64encode(login.encode()).decode()}"
    return Posted({"authorization": header}, json.dumps(told).encode())


# --- What they say -----------------------------------------------------------------------------

SES: Mapping[str, dict[str, Any]] = {
    "accepted": {"eventType": "Send", "send": {}},
    "delivered": {"eventType": "Delivery", "delivery": {"smtpResponse": "250 2.0.0 OK"}},
    "delayed": {"eventType": "DeliveryDelay", "deliveryDelay": {"delayType": "MailboxFull"}},
    "returned": {"eventType": "Bounce", "bounce": {"bounceType": "Transient"}},
    "bounced": {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [
                {"status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
            ],
        },
    },
    "dropped": {"eventType": "Reject", "reject": {"reason": "Bad content"}},
    "complained": {"eventType": "Complaint", "complaint": {"complaintFeedbackType": "abuse"}},
    "unsubscribed": {"eventType": "Subscription", "subscription": {"source": "UnsubscribeHeader"}},
}
SENDGRID: Mapping[str, dict[str, Any]] = {
    "accepted": {"event": "processed"},
    "delivered": {"event": "delivered", "response": "250 OK"},
    "delayed": {"event": "deferred", "response": "400 try again later", "attempt": "5"},
    "returned": {"event": "bounce", "type": "blocked", "status": "4.2.2"},
    "bounced": {
        "event": "bounce",
        "type": "bounce",
        "reason": "500 unknown recipient",
        "status": "5.1.1",
    },
    "dropped": {"event": "dropped", "reason": "Bounced Address", "status": "5.0.0"},
    "complained": {"event": "spamreport"},
    "unsubscribed": {"event": "group_unsubscribe", "asm_group_id": 10},
}
MAILGUN: Mapping[str, dict[str, Any]] = {
    "accepted": {"event": "accepted"},
    "delivered": {"event": "delivered", "delivery-status": {"code": 250, "message": "OK"}},
    "delayed": {"event": "failed", "severity": "temporary", "reason": "generic"},
    "returned": {"event": "failed", "severity": "permanent", "reason": "old"},
    "bounced": {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "delivery-status": {"code": 550, "message": "5.1.1 The email account does not exist"},
    },
    "dropped": {"event": "failed", "severity": "permanent", "reason": "suppress-bounce"},
    "complained": {"event": "complained"},
    "unsubscribed": {"event": "unsubscribed"},
}
POSTMARK: Mapping[str, dict[str, Any]] = {
    "delivered": {"RecordType": "Delivery", "Details": "smtp;250 2.0.0 OK"},
    "delayed": {"RecordType": "Bounce", "Type": "Transient", "TypeCode": 2},
    "returned": {"RecordType": "Bounce", "Type": "SoftBounce", "TypeCode": 4096},
    "bounced": {
        "RecordType": "Bounce",
        "Type": "HardBounce",
        "TypeCode": 1,
        "Details": "smtp;550 5.1.1 unknown user",
    },
    "dropped": {"RecordType": "Bounce", "Type": "ManuallyDeactivated", "TypeCode": 100007},
    "complained": {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "TypeCode": 512},
    "unsubscribed": {
        "RecordType": "SubscriptionChange",
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
    },
}
RESEND: Mapping[str, dict[str, Any]] = {
    "accepted": {"type": "email.sent"},
    "delivered": {"type": "email.delivered"},
    "delayed": {"type": "email.delivery_delayed"},
    "returned": {"type": "email.bounced", "bounce": {"type": "Transient"}},
    "bounced": {
        "type": "email.bounced",
        "bounce": {"type": "Permanent", "subType": "Suppressed", "message": "smtp; 550 5.1.1 no"},
    },
    "dropped": {"type": "email.failed"},
    "complained": {"type": "email.complained"},
}
RELAY: Mapping[str, dict[str, Any]] = {
    kind: {"type": f"greeting.{kind}"} for kind in SES if kind != "bounced"
} | {"bounced": {"type": "greeting.bounced", "code": "5.1.1"}}
WORDS = dict(zip(PROVIDERS, (SES, SENDGRID, MAILGUN, POSTMARK, RESEND, RELAY), strict=True))
KINDS = [(provider, kind) for provider, words in WORDS.items() for kind in words]


@dataclass(frozen=True, slots=True)
class Telling:
    """Say what a provider tells, of which letter, by which name of its own."""

    provider: str
    kind: str
    key: str
    to: str = "ada@example.com"
    name: str = "event-1"
    at: datetime = AT

    def another(self, **changes: Any) -> "Telling":
        return replace(self, **changes)

    def posted(self, now: datetime = AT) -> Posted:
        """The request in which it does."""
        words = dict(WORDS[self.provider][self.kind])
        return getattr(self, f"_{self.provider}")(words, now)  # type: ignore[no-any-return]

    def _ses(self, words: dict[str, Any], _now: datetime) -> Posted:
        tags = {"ses:configuration-set": ["heyday"], "heyday_key": [to_tag(self.key)]}
        mail = {"messageId": "EXAMPLE7c191be45", "destination": [self.to], "tags": tags}
        for part in words.values():
            if isinstance(part, dict):
                part["timestamp"] = self.at.isoformat()
        return signed_sns(self.sns("Notification", Message=json.dumps({**words, "mail": mail})))

    def sns(self, type_: str, **fields: str) -> dict[str, str]:
        return {
            "Type": type_,
            "MessageId": self.name,
            "TopicArn": TOPIC,
            "Timestamp": "2027-01-15T09:00:07.123Z",
            **fields,
        }

    def _sendgrid(self, _words: dict[str, Any], now: datetime) -> Posted:
        return signed_sendgrid(json.dumps([self.sendgrid()]).encode(), now)

    def sendgrid(self) -> dict[str, Any]:
        """One of the events of a request."""
        return {
            "email": self.to,
            "timestamp": int(self.at.timestamp()),
            "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
            "sg_event_id": self.name,
            "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
            "heyday_key": self.key,
            **SENDGRID[self.kind],
        }

    def _mailgun(self, words: dict[str, Any], now: datetime) -> Posted:
        data = {
            "id": self.name,
            "timestamp": self.at.timestamp(),
            "recipient": self.to,
            "user-variables": {"heyday_key": self.key},
            **words,
        }
        return signed_mailgun(data, now, f"token-{self.name}")

    def _postmark(self, words: dict[str, Any], _now: datetime) -> Posted:
        told = {
            "ID": self.name,
            "MessageID": f"message-{self.name}",
            "Recipient": self.to,
            "Email": self.to,
            "Metadata": {"heyday_key": self.key},
            **dict.fromkeys(("DeliveredAt", "BouncedAt", "ChangedAt"), self.at.isoformat()),
            **words,
        }
        return signed_postmark(told)

    def _resend(self, words: dict[str, Any], now: datetime) -> Posted:
        type_ = words.pop("type")
        data = {
            "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
            "to": [self.to],
            "tags": {"heyday_key": to_tag(self.key)},
            **words,
        }
        told = {"type": type_, "created_at": self.at.isoformat(), "data": data}
        return signed_standard(json.dumps(told).encode(), self.name, now, "svix")

    def _webhook(self, words: dict[str, Any], now: datetime) -> Posted:
        type_ = words.pop("type")
        data = {"heyday_key": self.key, "recipient": self.to, **words}
        told = {"type": type_, "timestamp": self.at.isoformat(), "data": data}
        return signed_standard(json.dumps(told).encode(), self.name, now)
