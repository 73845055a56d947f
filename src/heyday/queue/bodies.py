"""Write a batch as the body of a message, and read it back: ids and instants, nothing else."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from heyday.domain.models import Batch

CONTENT_TYPE = "application/json"
_VERSION: Literal[1] = 1


class UnreadableBody(Exception):
    """Report a body that is no batch."""


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    id: UUID
    due_at: datetime
    first_at: datetime
    last_at: datetime
    message_ids: tuple[UUID, ...]


_decoder = msgspec.json.Decoder(_Body)
_encoder = msgspec.json.Encoder(uuid_format="hex")


def encode(batch: Batch) -> bytes:
    """Return the body for a batch."""
    return _encoder.encode(
        _Body(
            version=_VERSION,
            id=batch.id,
            due_at=batch.due_at,
            first_at=batch.first_at,
            last_at=batch.last_at,
            message_ids=batch.message_ids,
        )
    )


def decode(body: bytes) -> Batch:
    """Return the batch in a body. Raises UnreadableBody."""
    try:
        read = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableBody(str(error)) from None
    instants = (read.due_at, read.first_at, read.last_at)
    if not read.message_ids or any(at.tzinfo is None for at in instants):
        raise UnreadableBody("a batch has at least one id, and instants with an offset")
    return Batch(read.id, *instants, read.message_ids)
