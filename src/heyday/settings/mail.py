"""Settings of mail: whom letters are from, the mail server, signatures, whom letters may reach."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings

from heyday.domain.addresses import MailAddress, to_mail_address
from heyday.settings.choices import StartTls
from heyday.settings.values import Url, complete_smtp_url, empty_is_none

_MAILBOX = re.compile(r'\s*(?:"([^"<>]*)"|([^"<>]*?))\s*<([^<>\s]+)>\s*|\s*([^<>\s]+)\s*')
_KEY = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)\s*=\s*(\S.*?)\s*", re.ASCII)


def parse_mailbox(text: str) -> tuple[str, MailAddress] | None:
    """Return the name and the address of a mailbox, which may be an address alone.

    None if it is neither, or if only some mail servers could take it.
    """
    found = _MAILBOX.fullmatch(text)
    address = to_mail_address(found[3] or found[4]) if found else None
    if found is None or address is None or address.is_international:
        return None
    name = found[1] or found[2] or ""
    return (name, address) if not name or name.isprintable() else None


def parse_keys(text: str) -> Mapping[str, Path]:
    """Return the files of private keys by their selectors. Raises ValueError."""
    keys: dict[str, Path] = {}
    for part in filter(str.strip, text.split(",")):
        found = _KEY.fullmatch(part)
        if found is None:
            raise ValueError("expected selector=/path/to/key.pem, with commas between")
        keys[found[1]] = Path(found[2])
    return keys


def parse_domains(text: str) -> frozenset[str]:
    """Return the domains that a list names, as DNS knows them. Raises ValueError."""
    given = [part.strip() for part in text.split(",") if part.strip()]
    found = [to_mail_address(f"a@{domain}") for domain in given]
    if None in found:
        raise ValueError("expected domains such as example.com, with commas between")
    return frozenset(address.domain for address in found if address)


def _mailbox(value: str | None) -> str | None:
    if value is not None and parse_mailbox(value) is None:
        raise ValueError("expected an address, or a name and one: Acme <greetings@example.com>")
    return value


def _keys(value: str) -> str:
    parse_keys(value)
    return value


def _domains(value: str) -> str:
    parse_domains(value)
    return value


Mailbox = Annotated[str | None, BeforeValidator(empty_is_none), AfterValidator(_mailbox)]
Domains = Annotated[str, AfterValidator(_domains)]


class Mail(BaseSettings):
    """Hold how letters are written, by which server they leave, and whom they may reach."""

    mail_from: Mailbox = Field(
        default=None,
        alias="HEYDAY_MAIL_FROM",
        description="Whom letters are from, such as Acme <greetings@example.com>. SENDER=smtp "
        "needs it.",
    )
    mail_reply_to: Mailbox = Field(
        default=None,
        alias="HEYDAY_MAIL_REPLY_TO",
        description="Where answers to letters go. Empty: to whom they are from.",
    )
    smtp_url: Annotated[Url, BeforeValidator(complete_smtp_url)] = Field(
        default=None,
        alias="HEYDAY_SMTP_URL",
        description="The mail server: smtp://user:password@host:587, or smtps://host:465 for TLS "
        "from the first byte. In user and password, what is no letter or digit as %XX.",
    )
    smtp_starttls: StartTls = Field(
        default=StartTls.AUTO,
        alias="HEYDAY_SMTP_STARTTLS",
        description="Whether smtp:// is encrypted by STARTTLS: required, none, or auto: required "
        "unless the server is on this machine.",
    )
    smtp_ca_file: Annotated[Path | None, BeforeValidator(empty_is_none)] = Field(
        default=None,
        alias="HEYDAY_SMTP_CA_FILE",
        description="A file of certificates (PEM) by which the server's is checked. Empty: the "
        "system's.",
    )
    smtp_connections: int = Field(
        default=20,
        alias="HEYDAY_SMTP_CONNECTIONS",
        ge=1,
        le=1000,
        description="Connections to the mail server at once, of one worker.",
    )
    smtp_letters: int = Field(
        default=100,
        alias="HEYDAY_SMTP_LETTERS",
        ge=1,
        le=1_000_000,
        description="Letters over one connection before it is closed.",
    )
    dkim_keys: Annotated[str, AfterValidator(_keys)] = Field(
        default="",
        alias="HEYDAY_DKIM_KEYS",
        description="Private keys that sign letters (DKIM), as selector=/path/key.pem: RSA or "
        "Ed25519, with commas between for several signatures. Empty: none; the mail server may "
        "sign.",
    )
    dkim_domain: Annotated[str | None, BeforeValidator(empty_is_none)] = Field(
        default=None,
        alias="HEYDAY_DKIM_DOMAIN",
        description="The domain that they sign for. Empty: that of HEYDAY_MAIL_FROM.",
    )
    safe_address: Mailbox = Field(
        default=None,
        alias="HEYDAY_SAFE_ADDRESS",
        description="For trials: every letter goes to this address instead, marked as a test and "
        "without a link to unsubscribe. Empty: to whom it is for.",
    )
    allowed_domains: Domains = Field(
        default="",
        alias="HEYDAY_ALLOWED_DOMAINS",
        description="For trials: only letters to addresses of these domains leave, with commas "
        "between; others FAIL. Empty: to all.",
    )
