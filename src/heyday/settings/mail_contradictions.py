"""Refuse settings of mail that contradict each other."""

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from heyday.domain.errors import ConfigurationError
from heyday.settings.choices import SenderName, StartTls
from heyday.settings.mail import parse_domains, parse_mailbox

if TYPE_CHECKING:
    from heyday.settings import Settings


def refuse_mail_contradictions(settings: "Settings") -> None:
    """Raise ConfigurationError for the first contradiction."""
    if settings.sender_name is SenderName.SMTP:
        _refuse_what_is_missing(settings)
        _refuse_a_password_in_the_clear(settings)
    _refuse_a_foreign_signature(settings)
    safe = parse_mailbox(settings.safe_address) if settings.safe_address else None
    domains = parse_domains(settings.allowed_domains)
    if safe and domains and safe[1].domain not in domains:
        raise ConfigurationError(
            "HEYDAY_SAFE_ADDRESS is at a domain that HEYDAY_ALLOWED_DOMAINS does not have, so no "
            "letter could leave; add it there, or leave one of the two empty"
        )


def is_this_machine(host: str) -> bool:
    """Tell whether what is sent to a host stays on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def uses_tls(settings: "Settings") -> bool:
    """Tell whether the session with the mail server is encrypted, in one way or the other."""
    parts = urlsplit(settings.smtp_url or "")
    if parts.scheme == "smtps" or settings.smtp_starttls is StartTls.REQUIRED:
        return True
    is_auto = settings.smtp_starttls is StartTls.AUTO
    return is_auto and not is_this_machine(parts.hostname or "")


def _refuse_what_is_missing(settings: "Settings") -> None:
    if not settings.smtp_url:
        raise ConfigurationError(
            "SENDER=smtp needs HEYDAY_SMTP_URL, the mail server, such as "
            "smtp://user:password@mail.example.com:587"
        )
    if not settings.mail_from:
        raise ConfigurationError(
            "SENDER=smtp needs HEYDAY_MAIL_FROM, whom letters are from, such as "
            "Acme <greetings@example.com>"
        )


def _refuse_a_password_in_the_clear(settings: "Settings") -> None:
    parts = urlsplit(settings.smtp_url or "")
    has_login = parts.username is not None or parts.password is not None
    if has_login and not uses_tls(settings) and not is_this_machine(parts.hostname or ""):
        raise ConfigurationError(
            "HEYDAY_SMTP_URL has a password, and HEYDAY_SMTP_STARTTLS=none would send it where "
            "others can read it; expected auto or required, or smtps://"
        )


def _refuse_a_foreign_signature(settings: "Settings") -> None:
    """Raise ConfigurationError where a signature would not speak for whom letters are from."""
    if not (settings.dkim_keys or settings.dkim_domain):
        return
    origin = parse_mailbox(settings.mail_from) if settings.mail_from else None
    if origin is None:
        raise ConfigurationError(
            "HEYDAY_DKIM_KEYS and HEYDAY_DKIM_DOMAIN need HEYDAY_MAIL_FROM, for whose domain "
            "they sign"
        )
    domain = (settings.dkim_domain or origin[1].domain).lower()
    if origin[1].domain != domain and not origin[1].domain.endswith(f".{domain}"):
        raise ConfigurationError(
            "HEYDAY_DKIM_DOMAIN is neither the domain of HEYDAY_MAIL_FROM nor one above it: "
            "receivers would not count its signature"
        )
