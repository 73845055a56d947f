"""Build what writes letters, and what hands them to a mail server."""

import ssl
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from heyday.domain.errors import ConfigurationError
from heyday.domain.letters import LetterWriter
from heyday.domain.ports import Clock
from heyday.domain.sealing import Seals
from heyday.senders.dkim import DkimSigner, load_key
from heyday.senders.mime import MimeWriter, Origin
from heyday.senders.smtp import SmtpConfig, SmtpSender, trusting
from heyday.senders.smtp_connections import Server
from heyday.senders.smtp_session import Entrance, Login
from heyday.services.letters import LinkingLetterWriter
from heyday.services.safe_mode import Safety
from heyday.services.unsubscribing import LinkMaker
from heyday.settings import Settings
from heyday.settings.mail import parse_domains, parse_keys, parse_mailbox
from heyday.settings.mail_contradictions import is_this_machine, uses_tls

_LONGEST_CONNECT = timedelta(seconds=5)
_TLS, _SUBMISSION = 465, 587


def build_safety(settings: Settings) -> Safety:
    """Return whom letters may reach."""
    safe = parse_mailbox(settings.safe_address) if settings.safe_address else None
    return Safety(str(safe[1]) if safe else None, parse_domains(settings.allowed_domains))


def build_letters(settings: Settings, seals: Seals) -> LetterWriter:
    """Return what makes letters of greetings.

    In a trial a link to unsubscribe would be that of the person whose letter a tester has.
    """
    is_trial = settings.safe_address is not None
    return LinkingLetterWriter(None if is_trial else LinkMaker(seals, settings.public_url))


def build_origin(settings: Settings) -> Origin:
    """Return whom letters are from. Raises ConfigurationError."""
    origin = parse_mailbox(settings.mail_from or "")
    if origin is None:
        raise ConfigurationError("HEYDAY_MAIL_FROM: expected an address")
    answers = parse_mailbox(settings.mail_reply_to) if settings.mail_reply_to else None
    return Origin(*origin, answers[1] if answers else None)


def build_mime(settings: Settings) -> MimeWriter:
    """Return what writes letters down. Raises ConfigurationError."""
    origin = build_origin(settings)
    return MimeWriter(origin, _signers(settings, origin.address.domain))


def build_smtp(settings: Settings, letters: LetterWriter, clock: Clock) -> SmtpSender:
    """Return what hands letters to the mail server. Raises ConfigurationError."""
    config = SmtpConfig(
        build_server(settings),
        timeout=settings.call_timeout,
        connect_timeout=min(_LONGEST_CONNECT, settings.call_timeout / 2),
        connections=settings.smtp_connections,
    )
    return SmtpSender(config, letters, build_mime(settings), clock)


def build_server(settings: Settings) -> Server:
    """Return where the mail server is, and how to come in. Raises ConfigurationError."""
    parts = urlsplit(settings.smtp_url or "")
    host, is_wrapped = parts.hostname or "", parts.scheme == "smtps"
    login = None
    if parts.username is not None:
        login = Login(unquote(parts.username), unquote(parts.password or ""))
    entrance = Entrance(
        host,
        _trust(settings) if uses_tls(settings) else None,
        starts_tls=not is_wrapped,
        login=login,
        is_private=is_this_machine(host),
    )
    port = parts.port or (_TLS if is_wrapped else _SUBMISSION)
    return Server(host, port, entrance, settings.smtp_letters)


def _trust(settings: Settings) -> ssl.SSLContext:
    path = settings.smtp_ca_file
    try:
        return trusting(str(path) if path else None)
    except OSError as fault:
        raise ConfigurationError(
            f"HEYDAY_SMTP_CA_FILE={path}: {fault.strerror or 'no certificates'}; expected a file "
            "of certificates as PEM"
        ) from fault


def _signers(settings: Settings, domain: str) -> Sequence[DkimSigner]:
    signers = []
    for selector, path in parse_keys(settings.dkim_keys).items():
        try:
            pem = path.read_bytes()
        except OSError as fault:
            raise ConfigurationError(
                f"HEYDAY_DKIM_KEYS: {path} cannot be read ({fault.strerror})"
            ) from fault
        key = load_key(pem, f"HEYDAY_DKIM_KEYS: {path}")
        signers.append(DkimSigner((settings.dkim_domain or domain).lower(), selector, key))
    return signers
