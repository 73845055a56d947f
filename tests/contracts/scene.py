"""Letters to send in tests of providers, and senders that hand them to a contract."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from heyday.domain.addresses import MailAddress
from heyday.domain.models import ClaimedMessage
from heyday.senders.calls import HttpConfig
from heyday.senders.mime import Origin
from heyday.senders.providers import mailgun, postmark, resend, sendgrid, ses, webhook
from heyday.senders.providers.dialect import Dialect
from heyday.senders.providers.sender import ProviderSender, Route
from heyday.senders.providers.signature_v4 import Credentials
from heyday.services.letters import LinkingLetterWriter
from heyday.services.unsubscribing import LinkMaker
from tests.contracts import mailgun as mailgun_contract
from tests.contracts import postmark as postmark_contract
from tests.contracts import resend as resend_contract
from tests.contracts import sendgrid as sendgrid_contract
from tests.contracts import ses as ses_contract
from tests.contracts import webhook as webhook_contract
from tests.contracts.stub import Contract
from tests.factories import SEALS
from tests.fakes import MESSAGE, FakeClock

ORIGIN = Origin("Acme GmbH", MailAddress("hello", "acme.example"))
WITH_REPLY = replace(ORIGIN, name="Grüße", reply_to=MailAddress("people", "acme.example"))
WRITER = LinkingLetterWriter(LinkMaker(SEALS, "https://hey.acme.example"))
WITHOUT_LINKS = LinkingLetterWriter(None)


@dataclass(frozen=True, slots=True)
class Known:
    """Know a provider. usual: where it is called."""

    contract: Callable[[], Contract]
    speak: Callable[[str, Origin], Dialect]
    usual: str


_CREDENTIALS = Credentials(ses_contract.ACCESS_KEY, ses_contract.SECRET_KEY)
_LIFETIME = timedelta(hours=24)
PROVIDERS: dict[str, Known] = {
    "mailgun": Known(
        mailgun_contract.Mailgun,
        lambda _, origin: mailgun.Mailgun(mailgun_contract.KEY, mailgun_contract.DOMAIN, origin),
        mailgun.URL,
    ),
    "postmark": Known(
        postmark_contract.Postmark,
        lambda _, origin: postmark.Postmark(postmark_contract.TOKEN, origin, "outbound"),
        postmark.URL,
    ),
    "resend": Known(
        resend_contract.Resend,
        lambda _, origin: resend.Resend(resend_contract.KEY, origin),
        resend.URL,
    ),
    "sendgrid": Known(
        sendgrid_contract.SendGrid,
        lambda _, origin: sendgrid.SendGrid(sendgrid_contract.KEY, origin),
        sendgrid.URL,
    ),
    "ses": Known(
        ses_contract.Ses,
        lambda url, origin: ses.Ses(url, ses_contract.REGION, _CREDENTIALS, origin),
        ses.url_of(ses_contract.REGION),
    ),
    "webhook": Known(
        webhook_contract.Webhook,
        lambda _, __: webhook.Webhook([webhook.read_secret(webhook_contract.SECRET)], _LIFETIME),
        "https://hooks.acme.example/greetings",
    ),
}
BATCHING = [name for name, known in PROVIDERS.items() if known.speak("", ORIGIN).batch_limit > 1]


def messages(count: int, **changes: Any) -> list[ClaimedMessage]:
    """Return greetings of as many people."""
    return [
        replace(
            MESSAGE,
            id=UUID(int=number),
            user_id=UUID(int=number),
            idempotency_key=f"{UUID(int=number)}:BIRTHDAY:2027-01-14",
            email=f"p{number}@example.com",
            subject="Happy birthday!",
            **changes,
        )
        for number in range(1, count + 1)
    ]


# What may go wrong in writing: another script, a domain that DNS knows by another name, a text that
# looks like the end of a form, and a subject that would be two lines.
RICH = replace(
    MESSAGE,
    email="zoe@bücher.example",
    subject='Alles Gute, Zoë! "€"\r\nBcc: eve@example.com',
    text="Liebe Zoë,\n--heyday\nalles Gute! \ufdd0\n",
    html='<p>Liebe Zoë,</p><p>alles Gute!</p><p><a href="\ufdd0">Abmelden</a></p>',
    language="de",
)


def sender_for(
    name: str,
    url: str,
    batch_size: int = 1,
    within: timedelta = timedelta(seconds=10),
    clock: FakeClock | None = None,
) -> ProviderSender:
    """Return a sender that speaks with a provider at an address."""
    route = Route(PROVIDERS[name].speak(url, ORIGIN), HttpConfig(url, within), batch_size)
    return ProviderSender(route, WRITER, clock or FakeClock())


def keys_of(greetings: Sequence[ClaimedMessage]) -> list[str]:
    return [greeting.idempotency_key for greeting in greetings]
