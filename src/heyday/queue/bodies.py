"""Write a batch as the body of a message, and read it back: ids and instants, nothing else.

By what it is followed stands in a header, which releases before there was one pass over.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from heyday.domain.models import Batch
from heyday.telemetry.traces import sane

CONTENT_TYPE = "application/json"
TRACEPARENT = "traceparent"
"""The header, as W3C names it."""

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


def headers_of(batch: Batch) -> dict[str, str]:
    """Return the headers for a batch."""
    return {TRACEPARENT: batch.traceparent} if batch.traceparent else {}


def decode(body: bytes, headers: Mapping[str, object] | None = None) -> Batch:
    """Return the batch in a body. Raises UnreadableBody; of headers none is needed."""
    try:
        read = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableBody(str(error)) from None
    instants = (read.due_at, read.first_at, read.last_at)
    if not read.message_ids or any(at.tzinfo is None for at in instants):
        raise UnreadableBody("a batch has at least one id, and instants with an offset")
    traceparent = sane(headers.get(TRACEPARENT)) if headers else None
    return Batch(read.id, *instants, read.message_ids, traceparent)
