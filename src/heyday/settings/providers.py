"""Settings of providers that have an API of their own, and of a webhook."""

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings

from heyday.domain.errors import ConfigurationError
from heyday.senders.providers.postmark import Postmark
from heyday.senders.providers.resend import Resend
from heyday.senders.providers.webhook import read_secret
from heyday.settings.choices import SenderName
from heyday.settings.values import Url, complete_api_url, complete_https_url, split_secrets

if TYPE_CHECKING:
    from heyday.settings import Settings


def _one_line(value: str) -> str:
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError("expected one word of ASCII, as the provider gave it")
    return value


def _webhook_secrets(value: str) -> str:
    for text in split_secrets(value):
        read_secret(text)
    return value


Word = Annotated[str, AfterValidator(_one_line)]
ApiUrl = Annotated[Url, BeforeValidator(complete_api_url)]
HttpsUrl = Annotated[Url, BeforeValidator(complete_https_url)]


class Providers(BaseSettings):
    """Hold what lets Heyday in at each provider, and where it is."""

    provider_url: ApiUrl = Field(
        default=None,
        alias="HEYDAY_PROVIDER_URL",
        description="Where SENDER's API is, if not at its usual address: such as "
        "https://api.eu.mailgun.net or https://api.eu.sendgrid.com for accounts in the EU.",
    )
    ses_region: Word = Field(
        default="",
        alias="HEYDAY_SES_REGION",
        description="The region in which Amazon SES is called, such as eu-central-1.",
    )
    ses_access_key: Word = Field(
        default="",
        alias="HEYDAY_SES_ACCESS_KEY",
        repr=False,
        description="The access key id of whom AWS lets in; it needs ses:SendEmail.",
    )
    ses_secret_key: Word = Field(
        default="",
        alias="HEYDAY_SES_SECRET_KEY",
        repr=False,
        description="The secret access key that goes with it.",
    )
    ses_session_token: Word = Field(
        default="",
        alias="HEYDAY_SES_SESSION_TOKEN",
        repr=False,
        description="The session token that goes with both, where they are temporary.",
    )
    ses_configuration_set: Word = Field(
        default="",
        alias="HEYDAY_SES_CONFIGURATION_SET",
        description="The configuration set that letters are sent with. Empty: the identity's own.",
    )
    sendgrid_key: Word = Field(
        default="",
        alias="HEYDAY_SENDGRID_KEY",
        repr=False,
        description="The API key at SendGrid; it needs Mail Send.",
    )
    mailgun_key: Word = Field(
        default="",
        alias="HEYDAY_MAILGUN_KEY",
        repr=False,
        description="The API key at Mailgun, or a sending key of the domain.",
    )
    mailgun_domain: Word = Field(
        default="",
        alias="HEYDAY_MAILGUN_DOMAIN",
        description="The domain at Mailgun that letters are sent from.",
    )
    postmark_token: Word = Field(
        default="",
        alias="HEYDAY_POSTMARK_TOKEN",
        repr=False,
        description="The token of the server at Postmark.",
    )
    postmark_stream: Word = Field(
        default="outbound",
        alias="HEYDAY_POSTMARK_STREAM",
        description="The message stream at Postmark that letters go into.",
    )
    resend_key: Word = Field(
        default="",
        alias="HEYDAY_RESEND_KEY",
        repr=False,
        description="The API key at Resend.",
    )
    webhook_url: HttpsUrl = Field(
        default=None,
        alias="HEYDAY_WEBHOOK_URL",
        description="The webhook that letters are posted to, signed: https:// and no query.",
    )
    webhook_secret: Annotated[str, AfterValidator(_webhook_secrets)] = Field(
        default="",
        alias="HEYDAY_WEBHOOK_SECRET",
        repr=False,
        description="What signs them: whsec_ and 24 to 64 bytes in base64. After a comma, one that "
        "is on its way out: both sign.",
    )
    webhook_allow_private: bool = Field(
        default=False,
        alias="HEYDAY_WEBHOOK_ALLOW_PRIVATE",
        description="Whether the webhook may be at an address that is not public: on this machine, "
        "in a network of one's own.",
    )


NEEDED: dict[SenderName, tuple[str, ...]] = {
    SenderName.SES: ("mail_from", "ses_region", "ses_access_key", "ses_secret_key", "rate_limit"),
    SenderName.SENDGRID: ("mail_from", "sendgrid_key"),
    SenderName.MAILGUN: ("mail_from", "mailgun_key", "mailgun_domain"),
    SenderName.POSTMARK: ("mail_from", "postmark_token"),
    SenderName.RESEND: ("mail_from", "resend_key"),
    SenderName.WEBHOOK: ("webhook_url", "webhook_secret"),
}
"""What a sender cannot do without, as fields of the settings."""

_BATCHES = {
    SenderName.POSTMARK: Postmark.batch_limit,
    SenderName.RESEND: Resend.batch_limit,
}
_RATE = (
    "the sending rate of your account: greetings a second, as the SES console shows it. Faster, "
    "SES refuses them"
)


def refuse_provider_contradictions(settings: "Settings") -> None:
    """Raise ConfigurationError for the first contradiction."""
    name = settings.sender_name
    if name not in NEEDED:
        return
    fields = type(settings).model_fields
    for field in NEEDED[name]:
        if not getattr(settings, field):
            meaning = _RATE if field == "rate_limit" else str(fields[field].description)
            raise ConfigurationError(
                f"SENDER={name} needs {fields[field].alias}: {meaning.rstrip('.')}"
            )
    most = _BATCHES.get(name, 0)
    if settings.provider_batch > most:
        why = f"takes up to {most} by one call" if most else "takes greetings one by one"
        raise ConfigurationError(
            f"SENDER={name} {why}; HEYDAY_PROVIDER_BATCH={settings.provider_batch} is more, "
            f"expected {f'0 to {most}' if most else '0'}"
        )


def refuse_one_place_for_several(settings: "Settings") -> None:
    """Raise ConfigurationError where two providers would be called at one address."""
    place = settings.provider_url
    by_api = NEEDED.keys() - {SenderName.WEBHOOK}
    there = [
        name
        for name in settings.sender_names
        if name in by_api and settings.through(name).provider_url == place
    ]
    if place and len(there) > 1:
        raise ConfigurationError(
            f"HEYDAY_PROVIDER_URL would be the address of {' and '.join(there)}; expected "
            f"HEYDAY_{there[0].upper()}_PROVIDER_URL in its place"
        )
