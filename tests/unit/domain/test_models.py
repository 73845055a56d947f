from dataclasses import FrozenInstanceError, replace

import pytest

from heyday.domain.models import Discrepancies, PersonDraft, PlanCounts, TypeBalance, User
from tests.fakes import MESSAGE, START_AT

EVEN = TypeBalance("BIRTHDAY", 10, 4, 1, 1, 1, 1, 2, 0, 0)


def test_counts_add_up_field_by_field():
    assert PlanCounts(1, 2, 3) + PlanCounts(10, 20, 30) == PlanCounts(11, 22, 33)
    assert PlanCounts() + PlanCounts() == PlanCounts()


def test_a_balance_needs_every_greeting_accounted_for():
    assert EVEN.is_balanced
    for end in ("sent", "failed", "cancelled", "skipped", "unknown", "live"):
        assert not replace(EVEN, **{end: getattr(EVEN, end) - 1}).is_balanced
    assert not replace(EVEN, due=11).is_balanced


def test_what_is_overdue_or_unplanned_does_not_balance():
    assert not replace(EVEN, overdue=1).is_balanced
    assert not EVEN.with_unplanned(1).is_balanced
    assert EVEN.with_unplanned(3).due == 13
    assert EVEN.with_unplanned(0) == EVEN


def test_what_the_provider_says_must_agree_where_it_says_anything():
    assert replace(EVEN, provider=Discrepancies(), late=4).is_balanced
    for kind in ("unconfirmed", "unrecorded", "orphaned"):
        assert not replace(EVEN, provider=Discrepancies(**{kind: 1})).is_balanced


def test_a_stored_person_is_a_person():
    user = User(
        "Ada",
        "Lovelace",
        "ada@example.com",
        "UTC",
        id=MESSAGE.user_id,
        version="1",
        created_at=START_AT,
        updated_at=START_AT,
    )
    assert isinstance(user, PersonDraft)
    assert user.unsubscribed_at is None


def test_records_are_frozen():
    with pytest.raises(FrozenInstanceError):
        MESSAGE.epoch = 2  # type: ignore[misc]
