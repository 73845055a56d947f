from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from heyday.domain.message_filters import MessageFilter, Place, read_place
from heyday.domain.message_lists import Look, Order, narrowed
from heyday.domain.transitions import Status, is_legal

NOW = datetime(2027, 1, 15, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ALL = MessageFilter()


def sources(wanted: MessageFilter, target: Status) -> list[Status | None]:
    return [look.wanted.status for look in narrowed(Look(wanted, Order.LATEST), target, NOW)]


@pytest.mark.parametrize("target", [Status.CANCELLED, Status.RETRYING, Status.SENT, Status.FAILED])
def test_a_decision_is_looked_for_where_it_is_legal_and_an_index_leads(target: Status):
    looks = narrowed(Look(ALL, Order.LATEST), target, NOW)
    assert looks
    for look in looks:
        assert look.wanted.status is not None
        assert is_legal(look.wanted.status, target)
        assert look.stage is not None


def test_a_status_that_is_asked_for_is_the_only_one():
    assert sources(MessageFilter(status=Status.QUEUED), Status.CANCELLED) == [Status.QUEUED]
    assert sources(MessageFilter(status=Status.SENT), Status.CANCELLED) == []


def test_a_retry_leaves_out_what_is_late_and_what_failed_in_doubt():
    early = MessageFilter(scheduled_from=NOW - DAY)
    unknown, failed = narrowed(Look(early, Order.LATEST), Status.RETRYING, NOW)
    assert (unknown.wanted.scheduled_from, unknown.wanted.is_ambiguous) == (NOW, None)
    assert (failed.wanted.scheduled_from, failed.wanted.is_ambiguous) == (NOW, False)
    later = narrowed(
        Look(MessageFilter(scheduled_from=NOW + DAY), Order.LATEST), Status.RETRYING, NOW
    )
    assert later[0].wanted.scheduled_from == NOW + DAY
    assert sources(MessageFilter(is_ambiguous=True), Status.RETRYING) == [Status.UNKNOWN]


def test_where_a_person_leads_no_stage_does():
    assert (
        Look(MessageFilter(user_id=UUID(int=1), status=Status.FAILED), Order.LATEST).stage is None
    )
    assert Look(MessageFilter(status=Status.SENT), Order.LATEST).stage is None


def test_a_place_is_read_as_it_was_written():
    place = Place(NOW + timedelta(microseconds=1), UUID(int=5))
    assert read_place(str(place)) == place
    for wrong in ("", "1-2", f"{place}x", f"-{place}"):
        with pytest.raises(ValueError, match="expected a place"):
            read_place(wrong)
