"""Settings of mail: what is read, and what contradicts what."""

from collections.abc import Callable
from pathlib import Path

import pytest

from heyday.bootstrap.mail import build_letters, build_mime, build_safety, build_smtp
from heyday.domain.errors import ConfigurationError
from heyday.domain.letters import Letter
from heyday.domain.sealing import NO_SEALS, Seals
from heyday.settings import Settings, load_settings
from heyday.settings.choices import SenderName
from heyday.settings.mail import parse_domains, parse_keys, parse_mailbox
from heyday.settings.mail_contradictions import uses_tls
from tests.fakes import MESSAGE, FakeClock

SMTP = {
    "SENDER": "smtp",
    "HEYDAY_SMTP_URL": "smtp://mail.example.com",
    "HEYDAY_MAIL_FROM": "a@b.co",
}
Setting = Callable[..., None]


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    """Set these, and no others."""
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)

    def put(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return put


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a@example.com", ("", "a@example.com")),
        ("Acme <a@Example.com>", ("Acme", "a@example.com")),
        ('"Acme, Inc." <a@example.com>', ("Acme, Inc.", "a@example.com")),
        ("<a@example.com>", ("", "a@example.com")),
        ("Zoë <z@bücher.example>", ("Zoë", "z@xn--bcher-kva.example")),
    ],
)
def test_a_mailbox_is_a_name_and_an_address(text: str, read: tuple[str, str]) -> None:
    found = parse_mailbox(text)
    assert found
    assert (found[0], str(found[1])) == read


@pytest.mark.parametrize(
    "text",
    ["", "Acme", "a@", "ż@example.com", "A <a@b.co> <c@d.co>", "A\nB <a@b.co>", "a@b.co, c@d.co"],
)
def test_what_is_no_mailbox_is_refused_with_an_example(text: str, setting: Setting) -> None:
    assert parse_mailbox(text) is None
    if text:
        setting(HEYDAY_MAIL_FROM=text)
        with pytest.raises(ConfigurationError, match=r"Acme <greetings@example\.com>"):
            load_settings()


def test_lists_are_read_item_by_item() -> None:
    assert parse_domains(" Example.com,bücher.example, ") == {
        "example.com",
        "xn--bcher-kva.example",
    }
    assert parse_domains("") == frozenset()
    assert parse_keys("a=/x y.pem, b.c=z") == {"a": Path("/x y.pem"), "b.c": Path("z")}
    for wrong in ("/x.pem", "a=", "a b=x"):
        with pytest.raises(ValueError, match="selector="):
            parse_keys(wrong)
    with pytest.raises(ValueError, match=r"example\.com"):
        parse_domains("a@b.co")


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "http://x",
        "smtp://",
        "smtp://a@b@c",
        "smtp://x:99999",
        "smtp://x/y",
        "smtp://x?y",
    ],
)
def test_what_is_no_mail_server_is_refused_and_not_repeated(url: str, setting: Setting) -> None:
    setting(HEYDAY_SMTP_URL=url)
    with pytest.raises(ConfigurationError, match="HEYDAY_SMTP_URL: expected smtp://") as refused:
        load_settings()
    assert f"'{url}'" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "sender"),
    [
        ({}, SenderName.INBOX),
        ({"EMAIL_SERVICE_URL": "http://x"}, SenderName.HTTP),
        (SMTP | {"SENDER": ""}, SenderName.SMTP),
        (SMTP | {"SENDER": "", "EMAIL_SERVICE_URL": "http://x"}, SenderName.HTTP),
        (SMTP | {"SENDER": "inbox"}, SenderName.INBOX),
    ],
)
def test_which_sender_is_in_force(
    given: dict[str, str], sender: SenderName, setting: Setting
) -> None:
    setting(**given)
    assert load_settings().sender_name is sender


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"HEYDAY_SMTP_URL": ""}, "SENDER=smtp needs HEYDAY_SMTP_URL"),
        ({"HEYDAY_MAIL_FROM": ""}, "SENDER=smtp needs HEYDAY_MAIL_FROM"),
        (
            {"HEYDAY_SMTP_URL": "smtp://u:p@mail.example.com", "HEYDAY_SMTP_STARTTLS": "none"},
            "where others can read it",
        ),
        (
            {"HEYDAY_SAFE_ADDRESS": "a@b.co", "HEYDAY_ALLOWED_DOMAINS": "example.com"},
            "no letter could leave",
        ),
        ({"HEYDAY_DKIM_DOMAIN": "example.org"}, "receivers would not count"),
        (
            {"SENDER": "inbox", "HEYDAY_MAIL_FROM": "", "HEYDAY_DKIM_KEYS": "a=b"},
            "for whose domain",
        ),
    ],
)
def test_what_contradicts_what(given: dict[str, str], said: str, setting: Setting) -> None:
    setting(**(SMTP | given))
    with pytest.raises(ConfigurationError, match=said):
        load_settings()


@pytest.mark.parametrize(
    ("url", "starttls", "encrypted"),
    [
        ("smtp://mail.example.com", "auto", True),
        ("smtp://mail.example.com", "none", False),
        ("smtp://localhost", "auto", False),
        ("smtp://u:p@127.0.0.1", "none", False),
        ("smtp://[::1]:25", "required", True),
        ("smtps://localhost", "none", True),
    ],
)
def test_when_the_session_is_encrypted(
    url: str,
    starttls: str,
    encrypted: bool,  # noqa: FBT001 - a case
    setting: Setting,
) -> None:
    setting(**(SMTP | {"HEYDAY_SMTP_URL": url, "HEYDAY_SMTP_STARTTLS": starttls}))
    assert uses_tls(load_settings()) is encrypted


def test_a_trial_has_no_links_and_goes_to_the_one_address(setting: Setting) -> None:
    setting(**SMTP, HEYDAY_SAFE_ADDRESS="Tester <t@example.net>", HEYDAY_PUBLIC_URL="https://x.co")
    settings = load_settings()
    safety = build_safety(settings)
    assert (safety.address, safety.is_on) == ("t@example.net", True)
    letters = build_letters(settings, Seals((b"s" * 32,)))
    assert letters.write(MESSAGE).unsubscribe_url is None
    setting(HEYDAY_SAFE_ADDRESS="")
    letters = build_letters(load_settings(), Seals((b"s" * 32,)))
    assert (letters.write(MESSAGE).unsubscribe_url or "").startswith("https://x.co/")


@pytest.mark.parametrize("name", ["HEYDAY_SMTP_CA_FILE", "HEYDAY_DKIM_KEYS"])
def test_a_file_that_is_not_there_is_named(name: str, setting: Setting) -> None:
    setting(**SMTP, **{name: "a=nowhere.pem" if "KEYS" in name else "nowhere.pem"})
    settings = load_settings()
    with pytest.raises(ConfigurationError, match=r"nowhere\.pem"):
        build_smtp(settings, build_letters(settings, NO_SEALS), FakeClock())


def test_letters_are_from_whom_the_settings_say(setting: Setting) -> None:
    setting(**(SMTP | {"HEYDAY_MAIL_FROM": "Zoë <z@b.co>", "HEYDAY_MAIL_REPLY_TO": "r@b.co"}))
    letter = Letter("a:B:c", "x@example.com", "s", "t", None, "en", None)
    mail = build_mime(load_settings()).write(letter, FakeClock().now())
    assert mail
    assert mail.sender == "z@b.co"
    assert b"Reply-To: r@b.co\r\n" in mail.content
