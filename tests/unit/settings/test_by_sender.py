"""SENDER with several names, and what is set for one of them alone."""

from pathlib import Path

import pytest

from heyday.bootstrap.providers import key_lifetime, provider_url, rate_limit
from heyday.domain.errors import ConfigurationError
from heyday.settings import Settings, load_settings
from heyday.settings.by_sender import OwnOfSender, load_own_of_sender
from heyday.settings.choices import SenderName

MAIL = {
    "HEYDAY_MAIL_FROM": "Acme <greetings@example.com>",
    "HEYDAY_SMTP_URL": "smtp://127.0.0.1:2525",
    "HEYDAY_SENDGRID_KEY": "key",
    "HEYDAY_POSTMARK_TOKEN": "token",
}


@pytest.fixture(autouse=True)
def _an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def having(monkeypatch: pytest.MonkeyPatch, **names: str) -> Settings:
    for name, value in {**MAIL, **names}.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_one_name_means_what_it_always_did(monkeypatch: pytest.MonkeyPatch):
    settings = having(monkeypatch, SENDER="smtp")
    assert settings.sender_name is SenderName.SMTP
    assert str(settings.sender_plan) == "smtp"


def test_several_share(monkeypatch: pytest.MonkeyPatch):
    settings = having(monkeypatch, SENDER="sendgrid:3,smtp:1>postmark")
    assert settings.sender_names == ["sendgrid", "smtp", "postmark"]
    assert str(settings.sender_plan) == "sendgrid:3,smtp>postmark"
    assert settings.through(SenderName.SMTP).sender_name is SenderName.SMTP


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("pigeon", "expected senders of inbox, http, smtp"),
        ("smtp,pigeon", "expected senders of inbox, http, smtp"),
        ("smtp,smtp", "expected each sender once"),
        ("smtp;sendgrid", "such as ses:3,smtp:1>sendgrid"),
        ("smtp:0,sendgrid", "expected weights from 1 on"),
        ("inbox,smtp", "expected inbox alone"),
        ("smtp>inbox", "expected inbox alone"),
    ],
)
def test_what_is_no_plan_is_refused_with_what_is(
    sender: str, expected: str, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(ConfigurationError, match=expected):
        having(monkeypatch, SENDER=sender)


def test_each_needs_what_it_would_need_alone(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigurationError, match="SENDER=mailgun needs HEYDAY_MAILGUN_KEY"):
        having(monkeypatch, SENDER="smtp>mailgun")
    with pytest.raises(ConfigurationError, match="SENDER=http needs EMAIL_SERVICE_URL"):
        having(monkeypatch, SENDER="smtp,http")


def test_what_is_set_for_one_holds_for_it_alone(monkeypatch: pytest.MonkeyPatch):
    settings = having(
        monkeypatch,
        SENDER="sendgrid,smtp,http",
        EMAIL_SERVICE_URL="http://127.0.0.1:1",
        HEYDAY_RATE_LIMIT="50",
        HEYDAY_SENDGRID_RATE_LIMIT="14",
        HEYDAY_SENDGRID_PROVIDER_URL="https://api.eu.sendgrid.com",
        HEYDAY_HTTP_PROVIDER_HONOURS_KEYS="false",
    )
    own = {name: settings.through(name) for name in settings.sender_names}
    assert [rate_limit(each) for each in own.values()] == [14, 50, 50]
    assert provider_url(own[SenderName.SENDGRID]) == "https://api.eu.sendgrid.com"
    assert key_lifetime(own[SenderName.HTTP]) is None
    assert key_lifetime(settings) is not None


def test_every_setting_of_one_is_one_of_all():
    assert set(OwnOfSender.model_fields) <= set(Settings.model_fields)


def test_what_is_wrong_for_one_is_named(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigurationError, match="HEYDAY_SES_RATE_LIMIT='fast'"):
        having(monkeypatch, SENDER="smtp", HEYDAY_SES_RATE_LIMIT="fast")
    assert load_own_of_sender("smtp") == {}


def test_a_batch_that_one_cannot_take_is_set_for_the_other(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigurationError, match="SENDER=sendgrid takes greetings one by one"):
        having(monkeypatch, SENDER="postmark,sendgrid", HEYDAY_PROVIDER_BATCH="500")
    monkeypatch.delenv("HEYDAY_PROVIDER_BATCH")
    settings = having(
        monkeypatch,
        SENDER="postmark,sendgrid",
        HEYDAY_POSTMARK_PROVIDER_BATCH="500",
        HEYDAY_BATCH_SIZE="100",
    )
    assert settings.through(SenderName.POSTMARK).provider_batch == 500
    assert settings.through(SenderName.SENDGRID).provider_batch == 0
    assert settings.ids_in_batch == 500


def test_two_providers_are_not_called_at_one_address(monkeypatch: pytest.MonkeyPatch):
    place = "https://api.eu.example.com"
    names = {"SENDER": "postmark,sendgrid", "HEYDAY_PROVIDER_URL": place}
    with pytest.raises(ConfigurationError, match="postmark and sendgrid; expected HEYDAY_POSTMARK"):
        having(monkeypatch, **names)
    own = having(monkeypatch, **names, HEYDAY_POSTMARK_PROVIDER_URL="https://other.example.com")
    assert provider_url(own.through(SenderName.SENDGRID)) == place
