"""Doubt settings that each may be meant as they are, and that together are seldom wise."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from heyday.domain.troubles import Level, Part, Trouble, _
from heyday.settings.choices import SenderName
from heyday.settings.mail_contradictions import is_this_machine, uses_tls

if TYPE_CHECKING:
    from heyday.settings import Settings


def find_doubts(settings: "Settings") -> Iterator[Trouble]:
    """Yield what is unsafe, or is for trials, and reaches people or their data."""
    yield from _of_trials(settings)
    yield from _of_doors(settings)
    yield from _of_the_way_out(settings)


def _of_trials(settings: "Settings") -> Iterator[Trouble]:
    if settings.failpoints:
        yield _doubt(
            _("HEYDAY_FAILPOINTS is set: processes kill or stop themselves, as tests want it."),
            _("Leave it empty."),
        )
    if settings.safe_address or settings.allowed_domains:
        yield _doubt(
            _("A trial is on: letters reach a few addresses only, and not all people."),
            _("When it is over, leave HEYDAY_SAFE_ADDRESS and HEYDAY_ALLOWED_DOMAINS empty."),
        )
    if settings.database_url and SenderName.INBOX in settings.sender_names:
        yield _doubt(
            _("Greetings go to the inbox of Heyday, and reach nobody."),
            _("Set SENDER, or EMAIL_SERVICE_URL, or HEYDAY_SMTP_URL, when you mean it."),
        )
    if settings.sends_folder is None and set(settings.sender_names) != {SenderName.INBOX}:
        yield _doubt(
            _("Nothing but the database knows what was sent, as HEYDAY_SENDS is empty."),
            _("Set it to a folder on each machine with workers: docs/backup.md says what for."),
        )
    if settings.database_url and settings.demo == "on":
        yield _doubt(
            _("HEYDAY_DEMO=on brings people to look at into a database of your own."),
            _("Set HEYDAY_DEMO to auto or off."),
        )


def _of_doors(settings: "Settings") -> Iterator[Trouble]:
    if not is_this_machine(settings.host) and not settings.trusted_proxies:
        yield _doubt(
            _("The API listens on a network, where keys and people go over it in the clear."),
            _("Put a proxy with TLS before it, and name that in HEYDAY_TRUSTED_PROXIES."),
        )
    reaches_people = set(settings.sender_names) != {SenderName.INBOX}
    if reaches_people and not settings.public_url and not settings.safe_address:
        yield _doubt(
            _("Letters have no link to unsubscribe, as HEYDAY_PUBLIC_URL is empty."),
            _("Set it to where people reach this API, such as https://hey.example.com."),
        )
    if is_in_the_clear(settings.public_url):
        yield _doubt(
            _("HEYDAY_PUBLIC_URL is not https://, so that links to unsubscribe can be read."),
            _("Put a proxy with TLS before the API, and set it to https://."),
        )


def _of_the_way_out(settings: "Settings") -> Iterator[Trouble]:
    host = urlsplit(settings.smtp_url or "").hostname or ""
    is_open = {
        SenderName.HTTP: is_in_the_clear(settings.email_service_url),
        SenderName.SMTP: not uses_tls(settings) and not is_this_machine(host),
    }
    for name in settings.sender_names:
        if is_open.get(name):
            yield _doubt(
                _("Letters leave through %(sender)s without TLS: whoever is between can read."),
                _("Use https:// for a provider, and smtps:// or STARTTLS for a mail server."),
                sender=name.value,
            )


def is_in_the_clear(url: str | None) -> bool:
    """Tell whether what goes to a URL leaves this machine unencrypted."""
    parts = urlsplit(url or "")
    return parts.scheme == "http" and not is_this_machine(parts.hostname or "")


def _doubt(says: str, todo: str, **values: object) -> Trouble:
    return Trouble(Part.SETTINGS, Level.WARNING, says, todo, values)
