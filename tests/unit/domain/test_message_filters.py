from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from heyday.domain.message_filters import LOOK_BACK, MessageFilter
from heyday.domain.transitions import Status
from tests.fakes import START_AT

DAY = timedelta(days=1)
EVER = datetime(1900, 1, 1, tzinfo=UTC)


def test_a_list_that_nobody_bounds_begins_a_month_ago_and_has_no_end():
    found = MessageFilter(status=Status.SENT, is_ambiguous=True).bounded(START_AT)
    assert (found.scheduled_from, found.scheduled_until) == (START_AT - LOOK_BACK, None)
    assert (found.status, found.is_ambiguous) == (Status.SENT, True)


def test_one_that_ends_before_now_begins_a_month_before_its_end():
    found = MessageFilter(scheduled_until=START_AT - 100 * DAY).bounded(START_AT)
    assert found.scheduled_from == START_AT - 100 * DAY - LOOK_BACK
    found = MessageFilter(scheduled_until=START_AT + 100 * DAY).bounded(START_AT)
    assert found.scheduled_from == START_AT - LOOK_BACK


@pytest.mark.parametrize(
    "wanted", [MessageFilter(user_id=UUID(int=1)), MessageFilter(status=Status.UNKNOWN)]
)
def test_what_is_few_is_listed_whole(wanted: MessageFilter):
    assert wanted.bounded(START_AT).scheduled_from == EVER
    told = MessageFilter(status=Status.UNKNOWN, scheduled_from=START_AT).bounded(START_AT)
    assert told.scheduled_from == START_AT


def test_delivery_dates_bound_the_instant_as_well():
    on = date(2027, 3, 10)
    found = MessageFilter(delivered_from=on, delivered_to=on).bounded(START_AT)
    assert found.scheduled_from == datetime(2027, 3, 8, tzinfo=UTC)
    assert found.scheduled_until == datetime(2027, 3, 13, tzinfo=UTC)
    nearer = MessageFilter(
        delivered_from=on,
        delivered_to=on,
        scheduled_from=datetime(2027, 3, 10, 9, tzinfo=UTC),
        scheduled_until=datetime(2027, 3, 10, 10, tzinfo=UTC),
    )
    assert nearer.bounded(START_AT) == nearer


def test_no_date_of_the_calendar_is_too_far():
    far = MessageFilter(delivered_from=date.min, delivered_to=date.max).bounded(START_AT)
    assert far.scheduled_from is not None
    assert far.scheduled_until is not None
    assert far.scheduled_from < EVER < START_AT < far.scheduled_until
