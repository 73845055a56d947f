"""Check email addresses, quickly where that is safe."""

import re
from dataclasses import dataclass
from functools import lru_cache

from email_validator import EmailNotValidError, ValidatedEmail, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES, EMAIL_MAX_LENGTH

_DOMAINS_KEPT = 4096

# Part of the local parts that the library takes as they stand: nothing quoted or international.
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*", re.ASCII)
# RFC 2142 calls for lower case in these (info, sales, postmaster); the library sees to it.
_MAILBOX_NAMES = frozenset(CASE_INSENSITIVE_MAILBOX_NAMES)


def normalize_address(address: str) -> str | None:
    """Return an address in the form to store, or None if it is not one.

    The library spends its time on the domain, and a company has few of those: each is checked
    once and remembered. A plain address then costs 1 us instead of 40.
    """
    local, _, domain = address.partition("@")
    if (
        len(address) <= EMAIL_MAX_LENGTH
        and _PLAIN_LOCAL.fullmatch(local)
        and local.lower() not in _MAILBOX_NAMES
        and (plain := _find_plain_domain(domain))
    ):
        return f"{local}@{plain}"
    return _ask_library(address)


@lru_cache(_DOMAINS_KEPT)
def _find_plain_domain(domain: str) -> str | None:
    """Return a domain in lower case if that, for the library, is the form to store."""
    if not domain.isascii():
        return None
    lower = domain.lower()
    return lower if _ask_library(f"a@{domain}") == f"a@{lower}" else None


def _ask_library(address: str) -> str | None:
    checked = _validated(address)
    return checked.normalized if checked else None


def _validated(address: str) -> ValidatedEmail | None:
    try:
        return validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None


@dataclass(frozen=True, slots=True)
class MailAddress:
    """Hold an address as mail servers take it: a dot-atom, and a domain as DNS knows it."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def is_international(self) -> bool:
        """Tell whether a server must know SMTPUTF8 (RFC 6531) to take it."""
        return not self.local.isascii()


def to_mail_address(address: str) -> MailAddress | None:
    """Return an address as it is written in mail, or None if it is not one.

    A domain beyond ASCII becomes what DNS knows it by, as IDNA 2008 has it: that of 2003 would
    make another domain of some.
    """
    local, _, domain = address.partition("@")
    is_plain = len(address) <= EMAIL_MAX_LENGTH and _PLAIN_LOCAL.fullmatch(local)
    if is_plain and (plain := _find_plain_domain(domain)):
        return MailAddress(local, plain)
    checked = _validated(address)
    return MailAddress(checked.local_part, checked.ascii_domain.lower()) if checked else None


def fold_address(address: str) -> str:
    """Return what two addresses share if any PostgreSQL, in any locale, may take them for one.

    Were one statement to store both, it would fail; so letters that only some locales take for
    the same (the Turkish i with and without its dot, the two small sigmas) count as the same.
    """
    if address.isascii():
        return address.lower()
    return address.casefold().replace("\u0131", "i").replace("\u0307", "")
