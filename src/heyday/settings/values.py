"""Read the values of settings, and refuse what would be taken for something else."""

import re
from datetime import time, timedelta
from ipaddress import IPv4Network, ip_network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from heyday.domain.durations import parse_duration
from heyday.domain.policies import LONGEST_SPREAD
from heyday.domain.sealing import SECRET_BYTES

_SEND_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", re.ASCII)
_NOTHING = re.compile(r"0+\s*(s|m|h)?", re.ASCII)
_PORT = r"\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]"
_HOST = rf"(\[[0-9a-fA-F:.%]+\]|[^\s:/?#@\[\]]*)(:({_PORT}))?"
_DATABASE_URL = re.compile(
    rf"postgres(ql)?://([^\s/?#]*@)?{_HOST}(,{_HOST})*/[^\s/?#]+(\?[^\s#]*)?", re.ASCII
)

_BROKER_URL = re.compile(rf"amqps?://([^\s/?#,]*@)?{_HOST}(/[^\s/?#,]*)?(\?[^\s#,]*)?", re.ASCII)
# Its client has many more options, which are not Heyday's to change.
_TLS = r"ssl_\w+=[^\s#&]*"
_REDIS = rf"://([^\s/?#]*@)?{_HOST}(/\d*)?"
_REDIS_URL = re.compile(rf"redis{_REDIS}|rediss{_REDIS}(\?{_TLS}(&{_TLS})*)?", re.ASCII)
_SMTP_URL = re.compile(rf"smtps?://([^\s/?#:@]*(:[^\s/?#:@]*)?@)?{_HOST}/?", re.ASCII)
_HTTPS_URL = re.compile(rf"https://{_HOST}(/[^\s?#]*)?", re.ASCII)
_LOCAL_URL = re.compile(
    rf"http://(127\.0\.0\.1|\[::1\]|localhost)(:({_PORT}))?(/[^\s?#]*)?", re.ASCII
)
_PUBLIC_URL = re.compile(rf"https?://{_HOST}(/[^\s?#]*)?", re.ASCII)

# As browsers write them: in lower case, and with a port only where it is not the usual one.
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII)

_LANGUAGE = re.compile(
    r"[a-z]{2,3}([-_][a-z]{4})?([-_]([a-z]{2}|\d{3}))?", re.ASCII | re.IGNORECASE
)


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def never_is_none(value: object) -> object:
    """Return None for 0s, where that stands for never."""
    return None if isinstance(value, str) and value.strip() == "0s" else value


def complete_url(value: object) -> object:
    """Refuse what PostgreSQL's client would fill up with defaults, and so lead elsewhere."""
    if isinstance(value, str) and value and not _DATABASE_URL.fullmatch(value):
        raise ValueError("expected postgresql://user:password@host:5432/database")
    return value


def complete_broker_urls(value: object) -> object:
    """Refuse what RabbitMQ's client would take for something else."""
    if not isinstance(value, str) or not value:
        return value
    if not all(_BROKER_URL.fullmatch(url.strip()) for url in value.split(",")):
        raise ValueError("expected amqp://user:password@host:5672/vhost, with commas between")
    return value


def complete_redis_url(value: object) -> object:
    """Refuse what Redis's client would take for something else."""
    if isinstance(value, str) and value and not _REDIS_URL.fullmatch(value):
        raise ValueError("expected redis://:password@host:6379/0, or rediss:// for TLS")
    return value


def complete_smtp_url(value: object) -> object:
    """Refuse what is no mail server."""
    if isinstance(value, str) and value:
        found = _SMTP_URL.fullmatch(value)
        if not found or not found[3]:
            raise ValueError(
                "expected smtp://user:password@host:587 or smtps://host:465; in user and password "
                "%40 for @, %3A for : and %2F for /"
            )
    return value


def complete_origins(value: object) -> object:
    """Refuse what no browser sends as an origin, and what would let every page in."""
    if not isinstance(value, str) or not value:
        return value
    if not all(_ORIGIN.fullmatch(origin.strip()) for origin in value.split(",")):
        raise ValueError(
            "expected whole origins such as https://people.example.com, with commas between"
        )
    return value


def complete_public_url(value: object) -> object:
    """Refuse what a path cannot be put behind, and drop a slash at the end."""
    if isinstance(value, str) and value:
        if not _PUBLIC_URL.fullmatch(value):
            raise ValueError("expected https://host, with a path or without, no query")
        return value.rstrip("/")
    return value


def complete_https_url(value: object) -> object:
    """Refuse what would carry letters in the clear."""
    if isinstance(value, str) and value and not _HTTPS_URL.fullmatch(value):
        raise ValueError("expected https://host, with a path or without, no user and no query")
    return value


def complete_api_url(value: object) -> object:
    """Refuse what would carry letters and keys in the clear, but to this very machine."""
    is_here = isinstance(value, str) and _LOCAL_URL.fullmatch(value)
    return value if is_here else complete_https_url(value)


def split_secrets(text: str) -> list[str]:
    """Return the secrets that a text lists, newest first."""
    return [part.strip() for part in text.split(",") if part.strip()]


def complete_secret(value: object) -> object:
    """Refuse a secret that could be guessed."""
    given = split_secrets(value) if isinstance(value, str) else []
    if any(len(secret.encode()) < SECRET_BYTES for secret in given):
        raise ValueError(f"expected {SECRET_BYTES} bytes or more, as by `openssl rand -hex 32`")
    return value


def complete_login(value: object) -> object:
    """Refuse what is no user and password, or could be guessed."""
    given = split_secrets(value) if isinstance(value, str) else []
    if any(len(login.partition(":")[2]) < SECRET_BYTES for login in given):
        raise ValueError(
            f"expected user:password, the password of {SECRET_BYTES} characters or more, as by "
            "`openssl rand -hex 32`"
        )
    return value


def _spread(value: object) -> object:
    if not isinstance(value, str):
        return value
    spread = timedelta() if _NOTHING.fullmatch(value.strip()) else parse_duration(value)
    if spread > LONGEST_SPREAD or spread.microseconds:
        raise ValueError("expected whole seconds, at most 4h, such as 30m or 2h; 0 for none")
    return spread


def _send_time(value: object) -> object:
    if isinstance(value, str):
        if not _SEND_TIME.fullmatch(value.strip()):
            raise ValueError("expected a time of day, HH:MM or HH:MM:SS, such as 09:00")
        return time.fromisoformat(value.strip())
    return value


def networks_of(value: str) -> list[str]:
    """Return the addresses and networks in a list with commas. Raises ValueError.

    Those of IPv4 come in their IPv6 form as well: so a socket for both shows who calls by IPv4.
    """
    found: list[str] = []
    for part in (word.strip() for word in value.split(",") if word.strip()):
        try:
            network = ip_network(part)
        except ValueError:
            raise ValueError(
                "expected addresses and networks such as 10.0.0.0/8, with commas between; of a "
                "network the first address"
            ) from None
        found.append(str(network))
        if isinstance(network, IPv4Network):
            found.append(f"::ffff:{network.network_address}/{96 + network.prefixlen}")
    return found


def _networks(value: str) -> str:
    networks_of(value)
    return value


def language_tag(value: str) -> str:
    """Refuse what is no tag of a language."""
    if not _LANGUAGE.fullmatch(value):
        raise ValueError("expected the tag of a language, such as de, pt-BR or zh-Hant")
    return value


def plain_line(value: str) -> str:
    """Refuse what would break a subject, or is no character at all."""
    if not all(character.isprintable() for character in value):
        raise ValueError("expected one line of characters that can be seen")
    return value


def empty_is_none(value: object) -> object:
    """Take an empty variable for one that is not set."""
    return None if value == "" else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Spread = Annotated[timedelta, BeforeValidator(_spread)]
Url = Annotated[str | None, BeforeValidator(empty_is_none)]
Networks = Annotated[str, AfterValidator(_networks)]
SendTime = Annotated[time, BeforeValidator(_send_time)]


def without_password(url: str) -> str:
    """Return a URL fit to be shown: what may be a password is hidden, well-formed or not."""
    url = re.sub(r"(://[^:/@]*:).*@", r"\1***@", url)
    return re.sub(r"(?i)(password=)[^&]*", r"\1***", url)


HIDDEN = frozenset(
    {
        *("secret", "ses_access_key", "ses_secret_key", "ses_session_token", "sendgrid_key"),
        *("mailgun_key", "postmark_token", "resend_key", "webhook_secret"),
        *("events_mailgun_key", "events_postmark_login", "events_resend_secret"),
        "events_webhook_secret",
    }
)
"""Fields of the settings whose value is shown nowhere."""
