"""What is counted of a batch: all of it, by the right names, and once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import Claim, Recorded
from heyday.domain.transitions import Status
from heyday.services.sending_figures import SendingFigures
from heyday.telemetry import Metrics
from tests.fakes import MESSAGE

AT = datetime(2027, 1, 14, 9, tzinfo=UTC)
BY_MAIL = replace(MESSAGE, sender="smtp", scheduled_send_at=AT)
AGAIN = replace(BY_MAIL, retry_count=1)
PROBED = replace(BY_MAIL, ambiguous_count=1, ambiguous_since=AT)
OF_NOBODY = replace(BY_MAIL, sender=None)
ACCEPTED = Outcome(OutcomeKind.ACCEPTED)
NOT_TRIED = Outcome(OutcomeKind.NOT_TRIED)


class Book:
    """Hold figures, and read what others would be shown of them."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.figures = SendingFigures(self.metrics)

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"heyday_{name}", labels)


@pytest.fixture
def book() -> Book:
    return Book()


def recorded(status: Status) -> Recorded:
    return Recorded(MESSAGE.id, AT, 1, status, 1, "accepted", AT, 0, 0)


def test_a_claim_counts_what_fell_due_and_what_is_not_sent(book: Book) -> None:
    left = {("BIRTHDAY", "CANCELLED"): 2, ("ANNIVERSARY", "SKIPPED"): 1}
    book.figures.note_claim(Claim((BY_MAIL, BY_MAIL, AGAIN, PROBED, OF_NOBODY), {}, left))
    assert book.value("due_total", message_type="BIRTHDAY", sender="smtp") == 2
    assert book.value("due_total", message_type="BIRTHDAY", sender="unknown") == 1
    assert book.value("not_sent_total", message_type="BIRTHDAY", status="CANCELLED") == 2
    assert book.value("not_sent_total", message_type="ANNIVERSARY", status="SKIPPED") == 1


def test_attempts_are_handed_over_once_and_together(book: Book) -> None:
    greetings = [BY_MAIL, BY_MAIL, OF_NOBODY]
    outcomes = [ACCEPTED, NOT_TRIED, ACCEPTED]
    ends = [recorded(Status.SENT), recorded(Status.RETRYING), recorded(Status.SENT)]
    book.figures.note_attempts(greetings, outcomes, ends)
    of_type = {"message_type": "BIRTHDAY", "outcome": "accepted"}
    assert book.value("attempts_total", **of_type) is None, "nothing is raised per message"
    for _ in range(2):
        book.figures.write()
        assert book.value("attempts_total", **of_type) == 2
        assert book.value("sender_attempts_total", sender="smtp", outcome="not_tried") == 1
        assert book.value("sender_attempts_total", sender="unknown", outcome="accepted") == 1
        by = {"message_type": "BIRTHDAY", "sender": "smtp"}
        assert book.value("greetings_total", **by, status="SENT") == 1
        assert book.value("greetings_total", **by, status="RETRYING") == 1


def test_calls_are_counted_with_the_time_that_they_took(book: Book) -> None:
    book.figures.note_call("smtp", 0.5)
    book.figures.note_call("smtp", 0.25)
    book.figures.note_call("http", 2.0)
    for _ in range(2):
        book.figures.write()
        assert book.value("provider_calls_total", sender="smtp") == 2
        assert book.value("provider_call_seconds_total", sender="smtp") == 0.75
        assert book.value("provider_call_seconds_total", sender="http") == 2


def test_lateness_is_that_of_first_attempts_that_were_made(book: Book) -> None:
    greetings, outcomes = [BY_MAIL, AGAIN, PROBED, BY_MAIL], [ACCEPTED] * 3 + [NOT_TRIED]
    book.figures.note_lateness(greetings, outcomes, AT + timedelta(seconds=3))
    assert book.value("lateness_seconds_count", message_type="BIRTHDAY") == 1
    assert book.value("lateness_seconds_sum", message_type="BIRTHDAY") == 3
