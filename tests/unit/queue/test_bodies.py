"""A batch as the body of a message: also between releases, of which one knows no traces."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid4

import msgspec
import pytest

from heyday.domain.models import Batch
from heyday.queue.bodies import UnreadableBody, decode, encode, headers_of

AT = datetime(2027, 1, 1, 9, tzinfo=UTC)
BATCH = Batch(uuid4(), AT, AT, AT, (uuid4(), uuid4()))
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
FOLLOWED = replace(BATCH, traceparent=TRACEPARENT)


class BodyOfTheReleaseBefore(msgspec.Struct, forbid_unknown_fields=True):
    """What it takes for a batch: these fields and no others."""

    version: Literal[1]
    id: UUID
    due_at: datetime
    first_at: datetime
    last_at: datetime
    message_ids: tuple[UUID, ...]


def test_a_batch_is_read_as_it_was_written() -> None:
    read = decode(encode(FOLLOWED), headers_of(FOLLOWED))
    assert (read, read.traceparent) == (BATCH, TRACEPARENT)
    assert headers_of(BATCH) == {}


def test_the_release_before_reads_a_batch_that_is_followed() -> None:
    read = msgspec.json.decode(encode(FOLLOWED), type=BodyOfTheReleaseBefore)
    assert (read.id, read.message_ids) == (BATCH.id, BATCH.message_ids)


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"traceparent": None},
        {"traceparent": 7},
        {"traceparent": TRACEPARENT.encode()},
        {"traceparent": "zoe@example.com"},
        {"traceparent": f"{TRACEPARENT}\n"},
        {"traceparent": TRACEPARENT.upper()},
        {"traceparent": f"01{TRACEPARENT[2:]}"},
        {"traceparent": "00-00000000000000000000000000000000-00f067aa0ba902b7-01"},
        {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"},
        {"Traceparent": TRACEPARENT},
    ],
)
def test_what_is_missing_or_odd_follows_nothing_and_loses_nothing(
    headers: dict[str, object] | None,
) -> None:
    read = decode(encode(BATCH), headers)
    assert (read, read.traceparent) == (BATCH, None)


def test_a_field_that_nobody_knows_makes_it_no_batch() -> None:
    with pytest.raises(UnreadableBody):
        decode(encode(BATCH).replace(b'"version"', b'"traceparent":"x","version"'))
