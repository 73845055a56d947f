"""Say what a browser's session is: how its token is written and proven, and how long it lasts.

A session stands for the API key that began it, and ends with it at the latest. Nothing here is
kept: the database has a digest of the token, and the browser the token alone.
Source: docs/adr/0045-sessions.md.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

IDLE: Final = timedelta(hours=12)
"""How long a session lasts in which nothing is asked: a night ends it."""
LONGEST: Final = timedelta(days=7)
"""How long a session lasts, whatever is asked in it."""
EXTENDED_EVERY: Final = timedelta(minutes=10)
"""How often it is written down, at the most, that a session is used."""

TOKEN_BYTES: Final = 32
NONCE_BYTES: Final = 16
"""What `form_csrf` takes."""
CSRF_LENGTH: Final = 2 * (NONCE_BYTES + hashlib.sha256().digest_size)
CSRF_FIELD: Final = "csrf_token"
"""What the field of a form is called that holds the proof."""
HOME: Final = "/"

_TOKEN = re.compile(rf"[0-9a-f]{{{2 * TOKEN_BYTES}}}", re.ASCII)
_PROOF = re.compile(rf"[0-9a-f]{{{CSRF_LENGTH}}}", re.ASCII)
# Browsers read a backslash as a slash, and leave out line ends: //host is another host's.
_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,1999}", re.ASCII)
_DOORS = ("/sign-in", "/sign-out")
# Browsers keep a cookie of the first name only if it came over TLS, for this host and every path.
_SAFE_COOKIE, _LOOPBACK_COOKIE = "__Host-heyday", "heyday"


@dataclass(frozen=True, slots=True)
class WebSession:
    """Describe a session. key_prefix: of the key that it stands for, which may be none by now."""

    key_id: UUID
    key_prefix: str
    created_at: datetime
    idle_until: datetime
    ends_at: datetime

    def lasts(self, now: datetime) -> bool:
        """Tell whether it has not ended by itself."""
        return now < self.idle_until and now < self.ends_at

    def extended(self, now: datetime) -> datetime | None:
        """Return until when it lasts now that it is used; None where that need not be written."""
        idle_until = min(now + IDLE, self.ends_at)
        worth = EXTENDED_EVERY if idle_until < self.ends_at else timedelta()
        return idle_until if idle_until - self.idle_until > worth else None


def form_token(chance: bytes) -> str:
    """Make the token of a new session out of TOKEN_BYTES that nobody can foresee."""
    if len(chance) != TOKEN_BYTES:
        raise ValueError(f"got {len(chance)} bytes of chance; expected {TOKEN_BYTES}")
    return chance.hex()


def is_token(text: str) -> bool:
    """Tell whether a text can be a token."""
    return _TOKEN.fullmatch(text) is not None


def digest_of(token: str) -> bytes:
    """Return what is kept of a token. A fast hash suffices for what is chance alone."""
    return hashlib.sha256(token.encode("ascii")).digest()


def form_csrf(token: str, nonce: bytes) -> str:
    """Return a proof that a form is of this session, another one with each nonce.

    It differs from page to page, as what is always the same can be guessed by how well pages are
    compressed (BREACH).
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"got a nonce of {len(nonce)} bytes; expected {NONCE_BYTES}")
    return nonce.hex() + _mac(token, nonce)


def is_csrf(token: str, given: str) -> bool:
    """Tell whether a proof is of this session; how long that takes tells nothing."""
    if not _PROOF.fullmatch(given):
        return False
    nonce, mac = bytes.fromhex(given[: 2 * NONCE_BYTES]), given[2 * NONCE_BYTES :]
    return hmac.compare_digest(mac, _mac(token, nonce))


def _mac(token: str, nonce: bytes) -> str:
    # The token is no secret of the server: nobody else has it but the browser.
    return hmac.new(token.encode("ascii"), b"form" + nonce, hashlib.sha256).hexdigest()


def own_path(text: str) -> str:
    """Return a path of Heyday's own that somebody asked to be led to; HOME for anything else."""
    if not _OWN_PATH.fullmatch(text) or text.partition("?")[0] in _DOORS:
        return HOME
    return text


def is_loopback(host: str) -> bool:
    """Tell whether a Host header names this machine."""
    name = urlsplit(f"//{host}").hostname if _is_host(host) else None
    if name is None:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def cookie_name(scheme: str, host: str) -> str:
    """Return the name of the cookie. The less safe one is for http on this machine alone."""
    return _LOOPBACK_COOKIE if is_unsafe_place(scheme, host) else _SAFE_COOKIE


def is_unsafe_place(scheme: str, host: str) -> bool:
    """Tell whether the cookie goes without TLS, as nothing leaves this machine."""
    return scheme == "http" and is_loopback(host)


def is_open_wire(host: str, origin: str | None) -> bool:
    """Tell whether a form came from another machine without TLS, by what its browser says."""
    return origin is not None and origin.startswith("http://") and not is_loopback(host)


def is_from_here(host: str, site: str | None, origin: str | None) -> bool | None:
    """Tell whether a form came from Heyday's own page; None where the browser says nothing of it.

    host: where it was sent.   site, origin: the headers Sec-Fetch-Site and Origin. The first goes
    before: a proxy may have rewritten the host.
    """
    if site is not None:
        return site in {"same-origin", "none"}
    if origin is None:
        return None
    _, found, place = origin.partition("://")
    return bool(found) and place.lower() == host.lower()


def _is_host(text: str) -> bool:
    return re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?", text) is not None
