"""Say what a caller of the API may do, and how an API key is written, read and checked.

A key is `hd_<prefix>_<secret>`. The prefix names it and is no secret; the secret is 256 bits of
chance. Source: docs/adr/0023-api-keys.md.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from heyday.domain.errors import FieldProblem, InvalidInput

T = TypeVar("T")

NAME_LENGTH: Final = 100
CHANCE_BYTES: Final = 36
"""What `form_credential` takes: 4 bytes for the prefix, 32 for the secret."""
_PREFIX_BYTES = 4
_PREFIX = re.compile(r"[0-9a-f]{8}", re.ASCII)
_WRITTEN = re.compile(rf"hd_({_PREFIX.pattern})_([0-9a-f]{{64}})", re.ASCII)
_FIELDS = ("name", "scopes", "expires_at")


class Scope(StrEnum):
    """Name what an API key allows. ADMIN allows all of it, and what no other scope does."""

    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    MESSAGES_READ = "messages:read"
    MESSAGES_WRITE = "messages:write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Credential:
    """Hold the two parts of a key as a caller has it."""

    prefix: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """Return the key as it is written."""
        return f"hd_{self.prefix}_{self.secret}"

    @property
    def digest(self) -> bytes:
        """Return what is kept of the secret.

        A fast hash suffices: nobody tries 2^256 secrets, as one would try people's passwords.
        """
        return hashlib.sha256(self.secret.encode("ascii")).digest()


def form_credential(chance: bytes) -> Credential:
    """Make a new key of CHANCE_BYTES that nobody can foresee."""
    if len(chance) != CHANCE_BYTES:
        raise ValueError(f"got {len(chance)} bytes of chance; expected {CHANCE_BYTES}")
    return Credential(chance[:_PREFIX_BYTES].hex(), chance[_PREFIX_BYTES:].hex())


def read_credential(text: str) -> Credential | None:
    """Return the key that a caller sent; None for what is none."""
    match = _WRITTEN.fullmatch(text)
    return Credential(match[1], match[2]) if match else None


def is_prefix(text: str) -> bool:
    """Tell whether a text can be the prefix of a key."""
    return _PREFIX.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Describe a key, without its secret."""

    id: UUID
    prefix: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Tell whether it opens anything: it was not revoked and has not expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def allows(self, scope: Scope) -> bool:
        """Tell whether its scopes hold this one."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


@dataclass(frozen=True, slots=True)
class StoredKey:
    """Hold a key with the hash of its secret."""

    key: ApiKey
    digest: bytes = field(repr=False)

    def is_opened_by(self, credential: Credential) -> bool:
        """Tell whether the secret is the right one; how long that takes tells nothing."""
        return hmac.compare_digest(self.digest, credential.digest)


@dataclass(frozen=True, slots=True)
class NewKey:
    """Hold a key that was just made; nobody can read its text again."""

    key: ApiKey
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Say who asks: by which key, and from which address."""

    key_id: UUID
    name: str
    scopes: frozenset[Scope]
    address: str


@dataclass(frozen=True, slots=True)
class KeyDraft:
    """Describe a key that is to be made."""

    name: str
    scopes: frozenset[Scope]
    expires_at: datetime | None = None


def read_draft(given: Mapping[str, object], now: datetime) -> KeyDraft:
    """Check what is asked of a new key. Raises InvalidInput, which names every wrong field."""
    problems = [
        FieldProblem(name, f"is not a field of a key; known: {', '.join(_FIELDS)}")
        for name in given
        if name not in _FIELDS
    ]
    name = _taken(problems, "name", _read_name, given)
    scopes = _taken(problems, "scopes", _read_scopes, given)
    expires_at = _taken(problems, "expires_at", partial(_read_expiry, now=now), given)
    if problems or name is None or scopes is None:
        raise InvalidInput(problems)
    return KeyDraft(name, scopes, expires_at)


def _taken(
    problems: list[FieldProblem],
    name: str,
    read: Callable[[object], T],
    given: Mapping[str, object],
) -> T | None:
    """Return what a field stands for; note what is wrong with it."""
    try:
        return read(given.get(name))
    except ValueError as error:
        problems.append(FieldProblem(name, str(error)))
        return None


def _read_name(value: object) -> str:
    name = value.strip() if isinstance(value, str) else ""
    if not name:
        raise ValueError("is required: a text that says whose the key is, or what for")
    if len(name) > NAME_LENGTH:
        raise ValueError(f"has {len(name)} characters; at most {NAME_LENGTH} are allowed")
    if not name.isprintable():
        raise ValueError("holds a character that cannot be shown; remove it")
    return name


def _read_scopes(value: object) -> frozenset[Scope]:
    known = ", ".join(Scope)
    try:
        scopes = frozenset(map(Scope, value)) if isinstance(value, list) else None
    except (ValueError, TypeError):
        raise ValueError(f"names a scope that there is not; known: {known}") from None
    if not scopes:
        raise ValueError(f"is required: a list of at least one of {known}")
    return scopes


def _read_expiry(value: object, now: datetime) -> datetime | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError("is not an instant; expected one with its offset: 2027-01-14T00:00:00Z")
    if at <= now:
        raise ValueError("is in the past; expected a later instant, or none")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("is too far away; expected an instant, or none") from None
