"""What each provider needs to be set, what of it is never shown, and that it is put to use."""

from pathlib import Path

import pytest

from heyday.bootstrap.provider import calls_at_once, open_senders
from heyday.bootstrap.providers import build_provider, key_lifetime, provider_url, rate_limit
from heyday.db.connection import Database, PoolConfig
from heyday.db.inbox import InboxRepository
from heyday.domain.delivery import OutcomeKind
from heyday.domain.errors import ConfigurationError
from heyday.senders.calls import HttpConfig
from heyday.senders.resolving import ask_for_public, ask_system
from heyday.settings import Settings, load_settings
from heyday.settings.providers import NEEDED as REFUSED_WITHOUT
from heyday.settings.values import HIDDEN
from tests.contracts import mailgun, postmark, resend, sendgrid, ses, webhook
from tests.contracts.scene import PROVIDERS, WRITER, messages
from tests.contracts.stub import Stub
from tests.factories import SEALS
from tests.fakes import MESSAGE, FakeClock

FROM = {"HEYDAY_MAIL_FROM": "Acme GmbH <hello@acme.example>"}
NEEDED = {
    "ses": FROM
    | {
        "HEYDAY_SES_REGION": ses.REGION,
        "HEYDAY_SES_ACCESS_KEY": ses.ACCESS_KEY,
        "HEYDAY_SES_SECRET_KEY": ses.SECRET_KEY,
        "HEYDAY_RATE_LIMIT": "14",
    },
    "sendgrid": FROM | {"HEYDAY_SENDGRID_KEY": sendgrid.KEY},
    "mailgun": FROM | {"HEYDAY_MAILGUN_KEY": mailgun.KEY, "HEYDAY_MAILGUN_DOMAIN": mailgun.DOMAIN},
    "postmark": FROM | {"HEYDAY_POSTMARK_TOKEN": postmark.TOKEN},
    "resend": FROM | {"HEYDAY_RESEND_KEY": resend.KEY},
    "webhook": {
        "HEYDAY_WEBHOOK_URL": "https://hooks.acme.example/in",
        "HEYDAY_WEBHOOK_SECRET": webhook.SECRET,
    },
}
EACH = pytest.mark.parametrize("name", PROVIDERS)


@pytest.fixture(autouse=True)
def _an_empty_folder_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)


def test_all_that_is_needed_is_set_here():
    fields = Settings.model_fields
    named = {name.value: {str(fields[f].alias) for f in of} for name, of in REFUSED_WITHOUT.items()}
    assert named == {name: set(needed) for name, needed in NEEDED.items()}


def having(monkeypatch: pytest.MonkeyPatch, name: str, **others: str) -> Settings:
    for variable, value in {"SENDER": name, **NEEDED[name], **others}.items():
        monkeypatch.setenv(variable, value)
    return load_settings()


@EACH
async def test_what_is_set_is_what_is_sent_with(name: str, monkeypatch: pytest.MonkeyPatch):
    settings = having(monkeypatch, name)
    async with Stub(PROVIDERS[name].contract()) as stub:
        if name != "webhook":  # which is never called but by https
            settings = having(monkeypatch, name, HEYDAY_PROVIDER_URL=stub.url)
            assert provider_url(settings) == stub.url
        config = HttpConfig(stub.url, key_lifetime=key_lifetime(settings))
        monkeypatch.setattr("heyday.bootstrap.providers.ask_for_public", ask_system)
        async with build_provider(settings, config, WRITER, FakeClock()) as sender:
            (outcome,) = await sender.send_many([MESSAGE])
        assert outcome.kind is OutcomeKind.ACCEPTED, outcome
        assert stub.accepted == {MESSAGE.idempotency_key: 1}


@pytest.mark.parametrize("name", ["postmark", "resend"])
async def test_the_sender_in_force_keeps_to_whom_letters_may_reach(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    clock = FakeClock()
    inbox = InboxRepository(Database(PoolConfig("postgresql://nobody@127.0.0.1:9/none")))
    async with Stub(PROVIDERS[name].contract()) as stub:
        settings = having(
            monkeypatch,
            name,
            HEYDAY_PROVIDER_URL=stub.url,
            HEYDAY_PROVIDER_BATCH="3",
            HEYDAY_SAFE_ADDRESS="tester@acme.example",
        )
        async with open_senders(settings, inbox, clock, SEALS) as senders:
            outcomes = await senders[settings.sender_name].send_many(messages(2))
        assert [outcome.kind for outcome in outcomes] == [OutcomeKind.ACCEPTED] * 2
        (request,) = stub.requests
    assert request.body.count(b"tester@acme.example") == 2
    assert b"p1@example.com" not in request.body


@EACH
def test_without_a_change_the_usual_place_is_called(name: str, monkeypatch: pytest.MonkeyPatch):
    url = provider_url(having(monkeypatch, name))
    usual = {"webhook": NEEDED["webhook"]["HEYDAY_WEBHOOK_URL"]}
    assert url == usual.get(name, PROVIDERS[name].usual)


@pytest.mark.parametrize(
    ("name", "missing"), [(name, each) for name, needed in NEEDED.items() for each in needed]
)
def test_what_is_missing_is_named_with_what_it_is(
    name: str, missing: str, monkeypatch: pytest.MonkeyPatch
):
    having(monkeypatch, name)
    monkeypatch.delenv(missing)
    with pytest.raises(ConfigurationError, match=f"SENDER={name} needs {missing}: [A-Za-z].*[^.]$"):
        load_settings()


@pytest.mark.parametrize("name", ["ses", "sendgrid", "mailgun", "webhook"])
def test_no_batch_where_letters_would_share_a_text(name: str, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigurationError, match=f"SENDER={name} takes greetings one by one"):
        having(monkeypatch, name, HEYDAY_PROVIDER_BATCH="2")


@pytest.mark.parametrize(("name", "most"), [("postmark", 500), ("resend", 100)])
async def test_a_batch_is_as_large_as_the_provider_takes(
    name: str, most: int, monkeypatch: pytest.MonkeyPatch
):
    settings = having(monkeypatch, name, HEYDAY_PROVIDER_BATCH=str(most))
    sender = build_provider(settings, HttpConfig(provider_url(settings)), WRITER, FakeClock())
    assert (sender.batch_size, sender.key_lifetime) == (most, None)
    with pytest.raises(ConfigurationError, match=f"expected 0 to {most}"):
        having(monkeypatch, name, HEYDAY_PROVIDER_BATCH=str(most + 1))


@pytest.mark.parametrize(
    ("name", "others", "rate"),
    [
        ("resend", {}, 2.0),
        ("resend", {"HEYDAY_PROVIDER_BATCH": "100"}, 200.0),
        ("resend", {"HEYDAY_RATE_LIMIT": "10"}, 10.0),
        ("ses", {}, 14.0),
        ("postmark", {}, None),
        ("sendgrid", {}, None),
    ],
)
def test_nobody_is_called_more_often_than_everybody_may(
    name: str, others: dict[str, str], rate: float | None, monkeypatch: pytest.MonkeyPatch
):
    assert rate_limit(having(monkeypatch, name, **others)) == rate


@pytest.mark.parametrize(
    ("name", "batch", "calls"),
    [("resend", "100", 1), ("resend", "0", 64), ("postmark", "500", 64), ("ses", "0", 64)],
)
def test_where_calls_are_counted_full_ones_wait_for_each_other(
    name: str, batch: str, calls: int, monkeypatch: pytest.MonkeyPatch
):
    settings = having(monkeypatch, name, HEYDAY_PROVIDER_BATCH=batch)
    assert calls_at_once(settings) == calls


@EACH
def test_no_key_is_shown(name: str, monkeypatch: pytest.MonkeyPatch):
    settings = having(monkeypatch, name)
    secrets = [getattr(settings, field) for field in HIDDEN if getattr(settings, field)]
    assert secrets
    for secret in secrets:
        assert secret not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HEYDAY_SENDGRID_KEY", "two words"),
        ("HEYDAY_POSTMARK_TOKEN", "a\nb"),
        ("HEYDAY_SES_SECRET_KEY", "schlüssel"),
        ("HEYDAY_WEBHOOK_SECRET", "guess me"),
        ("HEYDAY_WEBHOOK_SECRET", f"{webhook.SECRET},short"),
    ],
)
def test_a_key_that_is_wrong_is_not_told(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert f"  {variable}: expected " in str(refused.value)
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.acme.example/in",
        "http://127.0.0.1/in",
        "https://user:pass@hooks.acme.example",
        "https://hooks.acme.example/in?token=1",
        "ftp://hooks.acme.example",
        "hooks.acme.example",
    ],
)
def test_a_webhook_is_called_by_https_alone(url: str, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigurationError, match="expected https://host"):
        having(monkeypatch, "webhook", HEYDAY_WEBHOOK_URL=url)


@pytest.mark.parametrize("url", ["http://mail.example.com", "http://127.0.0.1.example.com"])
def test_no_key_travels_in_the_clear(url: str, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigurationError, match="HEYDAY_PROVIDER_URL"):
        having(monkeypatch, "sendgrid", HEYDAY_PROVIDER_URL=url)


@pytest.mark.parametrize(("allow", "resolve"), [("", ask_for_public), ("true", ask_system)])
def test_a_webhook_is_called_at_public_addresses_unless_allowed(
    allow: str, resolve: object, monkeypatch: pytest.MonkeyPatch
):
    others = {"HEYDAY_WEBHOOK_ALLOW_PRIVATE": allow} if allow else {}
    settings = having(monkeypatch, "webhook", **others)
    sender = build_provider(settings, HttpConfig(provider_url(settings)), WRITER, FakeClock())
    assert sender.resolve is resolve


def test_whether_a_webhook_knows_keys_is_a_setting(monkeypatch: pytest.MonkeyPatch):
    settings = having(monkeypatch, "webhook", HEYDAY_PROVIDER_KEY_LIFETIME="2h")
    config = HttpConfig(provider_url(settings))
    lifetime = build_provider(settings, config, WRITER, FakeClock()).key_lifetime
    assert lifetime == settings.provider_key_lifetime
    settings = having(monkeypatch, "webhook", HEYDAY_PROVIDER_HONOURS_KEYS="false")
    assert build_provider(settings, config, WRITER, FakeClock()).key_lifetime is None
