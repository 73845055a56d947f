"""Build what knows the signatures of providers. An API alone imports it, for that takes a while."""

from collections.abc import Sequence

from heyday.api.webhooks import WebhookRoutes
from heyday.bootstrap import App
from heyday.domain.event_ports import EventSource
from heyday.settings import Settings
from heyday.settings.values import split_secrets
from heyday.webhooks.amazon import fetch
from heyday.webhooks.mailgun import MailgunEvents
from heyday.webhooks.postmark import PostmarkEvents
from heyday.webhooks.relay import RelayEvents
from heyday.webhooks.resend import ResendEvents
from heyday.webhooks.sendgrid import SendGridEvents
from heyday.webhooks.ses import SesEvents


def webhooks_of(app: App) -> WebhookRoutes:
    """Return the routes of the providers that are set up. Raises ConfigurationError."""
    sources = sources_of(app.settings)
    return WebhookRoutes(sources, app.events, app.access.failures, app.clock, app.metrics)


def sources_of(settings: Settings) -> Sequence[EventSource]:
    """Return what knows them. Raises ConfigurationError for a key that cannot be read."""
    sources: list[EventSource] = []
    if topics := split_secrets(settings.events_ses_topics):
        sources.append(SesEvents(topics, fetch))
    if keys := split_secrets(settings.events_sendgrid_key):
        sources.append(SendGridEvents(keys))
    if keys := split_secrets(settings.events_mailgun_key):
        sources.append(MailgunEvents(keys))
    if logins := split_secrets(settings.events_postmark_login):
        sources.append(PostmarkEvents(logins))
    if secrets := split_secrets(settings.events_resend_secret):
        sources.append(ResendEvents(secrets))
    if secrets := split_secrets(settings.events_webhook_secret):
        sources.append(RelayEvents(secrets))
    return sources
