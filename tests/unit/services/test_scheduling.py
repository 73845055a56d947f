"""How rows that fall due are cut into batches."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.models import DueMessage
from heyday.services.scheduling import make_batches

NINE = datetime(2027, 1, 14, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)


def row(number: int, due_at: datetime = NINE, scheduled_send_at: datetime = NINE) -> DueMessage:
    return DueMessage(UUID(int=number), scheduled_send_at, due_at)


def test_no_rows_make_no_batches() -> None:
    assert make_batches([], 500) == []


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (4, [4]), (5, [4, 1]), (9, [4, 4, 1])])
def test_rows_of_one_instant_fill_batches_to_their_size(count: int, sizes: list[int]) -> None:
    batches = make_batches([row(n) for n in range(count)], 4)
    assert [len(batch.message_ids) for batch in batches] == sizes
    assert [i for batch in batches for i in batch.message_ids] == [
        UUID(int=n) for n in range(count)
    ]
    assert len({batch.id for batch in batches}) == len(batches)


def test_rows_of_two_instants_share_no_batch() -> None:
    batches = make_batches([row(1), row(2), row(3, NINE + SECOND)], 500)
    assert [(batch.due_at, len(batch.message_ids)) for batch in batches] == [
        (NINE, 2),
        (NINE + SECOND, 1),
    ]


def test_retries_wait_for_the_next_full_second() -> None:
    batches = make_batches([row(1, NINE + MICROSECOND), row(2, NINE + SECOND)], 500)
    assert [batch.due_at for batch in batches] == [NINE + SECOND]


def test_a_batch_spans_the_scheduled_instants_of_its_rows() -> None:
    early, late = NINE - timedelta(days=1), NINE + timedelta(hours=1)
    due_at = NINE + timedelta(hours=2)
    rows = [row(1, due_at, NINE), row(2, due_at, late), row(3, due_at, early)]
    (batch,) = make_batches(rows, 500)
    assert (batch.first_at, batch.last_at) == (early, late)


offsets = st.integers(0, 5_000_000).map(lambda n: NINE + n * MICROSECOND)


@given(st.lists(offsets, max_size=60).map(sorted), st.integers(1, 10))
def test_each_row_is_in_one_batch_that_is_never_due_before_it(
    instants: list[datetime], size: int
) -> None:
    rows = {UUID(int=n): row(n, at) for n, at in enumerate(instants)}
    batches = make_batches(rows.values(), size)
    assert [i for batch in batches for i in batch.message_ids] == list(rows)
    for batch in batches:
        assert 1 <= len(batch.message_ids) <= size
        for message_id in batch.message_ids:
            wait = batch.due_at - rows[message_id].due_at
            assert timedelta() <= wait < SECOND
    assert all(a.due_at <= b.due_at for a, b in pairwise(batches))
