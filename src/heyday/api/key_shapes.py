"""Give the JSON shapes of API keys. The request shape documents; the domain checks."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from heyday.domain.access import NAME_LENGTH, Scope

_NAME = Meta(
    min_length=1,
    max_length=NAME_LENGTH,
    examples=["personnel system"],
    description="Whose the key is, or what for.",
)
_SCOPES = Meta(min_length=1, examples=[["users:read", "users:write"]])
_EXPIRY = Meta(
    examples=["2027-12-31T00:00:00Z"],
    description="From when the key is refused; null, or left out: never.",
)
_PREFIX = Meta(examples=["1f3c5d0a"], description="What names the key; no secret.")
_INSTANT = Meta(examples=["2027-01-14T08:00:00Z"])


class KeyBody(Struct, forbid_unknown_fields=True):
    """Describe a key that is to be made."""

    name: Annotated[str, _NAME]
    scopes: Annotated[list[Scope], _SCOPES]
    expires_at: Annotated[datetime, _EXPIRY] | None = None


class Key(Struct, frozen=True):
    """Show a key without its secret, which nobody can. last_used_at: to about a minute."""

    id: Annotated[UUID, Meta(examples=["8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c"])]
    prefix: Annotated[str, _PREFIX]
    name: Annotated[str, _NAME]
    scopes: Annotated[list[Scope], _SCOPES]
    created_at: Annotated[datetime, _INSTANT]
    expires_at: Annotated[datetime, _EXPIRY] | None
    revoked_at: Annotated[datetime, _INSTANT] | None
    last_used_at: Annotated[datetime, _INSTANT] | None


class MadeKey(Key, frozen=True):
    """Show a key that was just made: this once with its secret."""

    key: Annotated[str, Meta(examples=[f"hd_1f3c5d0a_{'0123456789abcdef' * 4}"])]


class KeyList(Struct, frozen=True):
    """Show all keys, revoked ones included, the oldest first."""

    items: list[Key]
