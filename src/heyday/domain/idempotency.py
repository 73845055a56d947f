"""Make and read the key that names one greeting for ever."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from heyday.domain.errors import FieldProblem, InvalidInput

KEY_FIELD = "heyday_key"
"""What senders call a key among the metadata of a letter, and events of providers bring back."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Name one greeting: whom, which kind, and on which local date."""

    user_id: UUID
    message_type: str
    delivery_on: date

    def __post_init__(self) -> None:
        """Refuse a message type that would make the key ambiguous."""
        if not self.message_type or ":" in self.message_type:
            raise ValueError(f"{self.message_type!r} cannot be part of a key; expected no colon")

    def __str__(self) -> str:
        """Return the form that rows and providers see: `{user_id}:{message_type}:{date}`."""
        return f"{self.user_id}:{self.message_type}:{self.delivery_on.isoformat()}"


_ID_LENGTH, _DATE_LENGTH = 36, 10
_SEAM = "__"


def to_tag(key: str) -> str:
    """Return a key as tags of providers may be: letters, digits, dashes and underscores alone."""
    return key.replace(":", _SEAM)


def from_tag(tag: str) -> str:
    """Return the key of a tag, which `to_tag` made; of anything else, something that is no key."""
    user_id, rest = tag[:_ID_LENGTH], tag[_ID_LENGTH:]
    message_type, delivery_on = rest[:-_DATE_LENGTH], rest[-_DATE_LENGTH:]
    return ":".join((user_id, message_type.removeprefix(_SEAM).removesuffix(_SEAM), delivery_on))


class IdempotencyService:
    """Make and parse idempotency keys. PostgreSQL, not this class, makes them unique."""

    def make(self, user_id: UUID, message_type: str, delivery_on: date) -> str:
        """Return the key of one greeting."""
        return str(IdempotencyKey(user_id, message_type, delivery_on))

    def parse(self, key: str) -> IdempotencyKey:
        """Return the parts of a key. Raises InvalidInput unless `make` could have made it."""
        try:
            user_id, message_type, delivery_on = key.split(":")
            parsed = IdempotencyKey(UUID(user_id), message_type, date.fromisoformat(delivery_on))
        except ValueError:
            parsed = None
        if parsed is None or str(parsed) != key:
            detail = "is not an idempotency key; expected {user_id}:{message_type}:{YYYY-MM-DD}"
            raise InvalidInput([FieldProblem("idempotency_key", detail)])
        return parsed
