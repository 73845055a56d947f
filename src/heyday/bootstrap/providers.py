"""Build what sends through the APIs of mail providers, and through a webhook."""

from datetime import timedelta

from heyday.bootstrap.mail import build_origin
from heyday.domain.letters import LetterWriter
from heyday.domain.ports import Clock
from heyday.senders.calls import HttpConfig
from heyday.senders.mime import Origin
from heyday.senders.providers import mailgun, postmark, resend, sendgrid, ses
from heyday.senders.providers.dialect import Dialect
from heyday.senders.providers.sender import ProviderSender, Route
from heyday.senders.providers.signature_v4 import Credentials
from heyday.senders.providers.webhook import Webhook, read_secret
from heyday.senders.resolving import Resolve, ask_for_public, ask_system
from heyday.settings import Settings
from heyday.settings.choices import SenderName
from heyday.settings.values import split_secrets

_URLS = {
    SenderName.SENDGRID: sendgrid.URL,
    SenderName.MAILGUN: mailgun.URL,
    SenderName.POSTMARK: postmark.URL,
    SenderName.RESEND: resend.URL,
}
BY_API = frozenset({*_URLS, SenderName.SES, SenderName.WEBHOOK})
"""Senders that speak a provider's own API, or that of a webhook."""


def build_provider(
    settings: Settings, config: HttpConfig, writer: LetterWriter, clock: Clock
) -> ProviderSender:
    """Return what sends through the provider in force. config: how it is called."""
    route = Route(
        _dialect(settings),
        config,
        batch_size=max(settings.provider_batch, 1),
        resolve=resolver(settings),
    )
    return ProviderSender(route, writer, clock)


def resolver(settings: Settings) -> Resolve:
    """Return what asks for the addresses of the provider in force."""
    is_guarded = settings.sender_name is SenderName.WEBHOOK and not settings.webhook_allow_private
    return ask_for_public if is_guarded else ask_system


def provider_url(settings: Settings) -> str:
    """Return where the provider in force is called."""
    if settings.sender_name is SenderName.HTTP:
        return settings.email_service_url or ""
    if settings.sender_name is SenderName.WEBHOOK:
        return settings.webhook_url or ""
    usual = _URLS.get(settings.sender_name) or ses.url_of(settings.ses_region)
    return settings.provider_url or usual


def key_lifetime(settings: Settings) -> timedelta | None:
    """Return for how long those who may choose take a repeated key for the same message."""
    return settings.provider_key_lifetime if settings.provider_honours_keys else None


def rate_limit(settings: Settings) -> float | None:
    """Return how many greetings a second may leave: what is set, or what everybody is granted."""
    if settings.rate_limit or settings.sender_name is not SenderName.RESEND:
        return settings.rate_limit or None
    return resend.CALLS_PER_SECOND * max(settings.provider_batch, 1)


def most_calls(settings: Settings) -> int | None:
    """Return how many calls may be under way for a batch of the queue; None: as many as are set.

    The pace counts greetings. Where the provider counts calls, and each may carry many, only calls
    that wait for each other come as seldom as they must.
    """
    is_counted = settings.sender_name is SenderName.RESEND and settings.provider_batch > 1
    return 1 if is_counted else None


def _dialect(settings: Settings) -> Dialect:
    if settings.sender_name is SenderName.WEBHOOK:
        secrets = [read_secret(text) for text in split_secrets(settings.webhook_secret)]
        return Webhook(secrets, key_lifetime(settings))
    origin = build_origin(settings)
    match settings.sender_name:
        case SenderName.SENDGRID:
            return sendgrid.SendGrid(settings.sendgrid_key, origin)
        case SenderName.MAILGUN:
            return mailgun.Mailgun(settings.mailgun_key, settings.mailgun_domain, origin)
        case SenderName.POSTMARK:
            return postmark.Postmark(settings.postmark_token, origin, settings.postmark_stream)
        case SenderName.RESEND:
            return resend.Resend(settings.resend_key, origin)
        case _:
            return _ses(settings, origin)


def _ses(settings: Settings, origin: Origin) -> ses.Ses:
    credentials = Credentials(
        settings.ses_access_key, settings.ses_secret_key, settings.ses_session_token
    )
    region, configuration_set = settings.ses_region, settings.ses_configuration_set
    return ses.Ses(provider_url(settings), region, credentials, origin, configuration_set)
