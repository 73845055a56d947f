"""Only providers that are set up are served, and what is set up wrong says so."""

import pytest

from heyday.bootstrap.events import sources_of
from heyday.domain.errors import ConfigurationError
from heyday.settings import Settings
from tests.webhooks import LOGIN, MAILGUN_KEY, PROVIDERS, SECRET, TOPIC, sendgrid_key

SET_UP = {
    "ses": f"{TOPIC}, {TOPIC}-2",
    "sendgrid": sendgrid_key(),
    "mailgun": MAILGUN_KEY,
    "postmark": LOGIN,
    "resend": f"{SECRET},{SECRET}",
    "webhook": SECRET,
}
FIELDS = {
    "ses": "events_ses_topics",
    "sendgrid": "events_sendgrid_key",
    "mailgun": "events_mailgun_key",
    "postmark": "events_postmark_login",
    "resend": "events_resend_secret",
    "webhook": "events_webhook_secret",
}


def settings(**values: str) -> Settings:
    aliases = {name: Settings.model_fields[name].alias or "" for name in values}
    return Settings.model_validate({aliases[name]: value for name, value in values.items()})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_is_served_once_it_is_set_up(provider: str) -> None:
    found = sources_of(settings(**{FIELDS[provider]: SET_UP[provider]}))
    assert [source.provider for source in found] == [provider]


def test_nothing_is_served_unless_it_is_set_up() -> None:
    assert sources_of(settings()) == []


@pytest.mark.parametrize("provider", ["ses", "sendgrid", "resend", "webhook"])
def test_a_key_that_cannot_be_read_is_refused_at_the_start(provider: str) -> None:
    with pytest.raises(ConfigurationError, match="expected"):
        sources_of(settings(**{FIELDS[provider]: "nonsense"}))
