"""The checker sees each promise broken that it is there to see, and none that was kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from tests.chaos.checker import Findings, check
from tests.chaos.people import Expected
from tests.chaos.provider import Request
from tests.chaos.witness import Row

SECOND = timedelta(seconds=1)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
ADA = UUID(int=1)
KEY = f"{ADA}:BIRTHDAY:2027-01-15"
TEXT = "Hey, Ada Lovelace it's your birthday"
EXPECTED = Expected("ada@example.com", "BIRTHDAY", date(2027, 1, 15), NINE, TEXT)
ROW = Row(UUID(int=2), KEY, ADA, "ada@example.com", "BIRTHDAY", "SENT", NINE, None, ambiguous=0)
SENT = Request(KEY, "ada@example.com", TEXT, NINE + SECOND, "ok", accepted=1)
AGAIN = replace(SENT, accepted=2, received_at=NINE + 2 * SECOND)
NOT_TAKEN = replace(SENT, act="error", accepted=0)


def found(
    requests: Sequence[Request],
    row: Row | None = ROW,
    expected: Expected = EXPECTED,
    *,
    honours_keys: bool = True,
) -> Findings:
    rows = [row] if row else []
    people = {"ada@example.com": ADA}
    return check([expected], people, rows, requests, honours_keys=honours_keys)


def test_one_letter_at_its_time_is_all_that_was_promised():
    findings = found([NOT_TAKEN, SENT])
    assert findings == Findings(messages=1, requests=2, held=0, extra=0, ambiguous=0)
    assert findings.is_kept


@pytest.mark.parametrize(
    ("requests", "row"),
    [
        ([], ROW),  # a row that lies
        ([NOT_TAKEN], replace(ROW, status="FAILED")),
        ([NOT_TAKEN], replace(ROW, status="SKIPPED")),
        ([], replace(ROW, status="CANCELLED")),
        ([], None),
    ],
)
def test_what_never_arrived_is_lost(requests: list[Request], row: Row | None):
    findings = found(requests, row)
    assert findings.broken == {"lost": [KEY]}
    assert not findings.is_kept


def test_a_person_whom_the_database_lost_has_lost_a_greeting():
    findings = check([EXPECTED], {}, [], [], honours_keys=True)
    assert findings.broken == {"lost": ["nobody ada@example.com:BIRTHDAY:2027-01-15"]}


@pytest.mark.parametrize("honours_keys", [True, False])
def test_unknown_is_held_for_a_person_only_where_keys_are_ignored(honours_keys: bool):  # noqa: FBT001
    row = replace(ROW, status="UNKNOWN", ambiguous=2)
    findings = found([NOT_TAKEN], row, honours_keys=honours_keys)
    assert findings.held == 1
    assert findings.broken == ({"lost": [KEY]} if honours_keys else {})


def test_a_second_letter_breaks_the_promise_where_keys_are_honoured():
    findings = found([SENT, AGAIN], replace(ROW, ambiguous=1))
    assert findings.broken == {"duplicates": [KEY]}
    assert findings.extra == 1


@pytest.mark.parametrize(("ambiguous", "broken"), [(0, {"duplicates": [KEY]}), (1, {})])
def test_a_second_letter_needs_an_ambiguous_attempt_where_keys_are_ignored(
    ambiguous: int, broken: dict[str, list[str]]
):
    findings = found([SENT, AGAIN], replace(ROW, ambiguous=ambiguous), honours_keys=False)
    assert findings.broken == broken
    assert (findings.extra, findings.ambiguous) == (1, ambiguous)


def test_attempts_of_others_do_not_excuse_a_second_letter():
    other = replace(ROW, key="other", ambiguous=5)
    findings = check(
        [EXPECTED], {"ada@example.com": ADA}, [ROW, other], [SENT, AGAIN], honours_keys=False
    )
    assert findings.broken["duplicates"] == [KEY]


@pytest.mark.parametrize(
    "request_",
    [
        replace(SENT, message="Hey, Bob it's your birthday"),
        replace(SENT, email="bob@example.com"),
    ],
)
def test_another_text_or_address_is_unexpected(request_: Request):
    assert found([request_]).broken == {"unexpected": [KEY]}


def test_a_letter_and_a_row_that_nobody_expected_are_unexpected():
    other = f"{ADA}:BIRTHDAY:2027-01-16"
    assert found([SENT, replace(SENT, key=other)]).broken == {"unexpected": [other]}
    rows = [ROW, replace(ROW, key=other)]
    findings = check([EXPECTED], {"ada@example.com": ADA}, rows, [SENT], honours_keys=True)
    assert findings.broken == {"unexpected": [other]}


def test_a_request_before_its_instant_is_early_even_if_it_was_not_accepted():
    early = replace(NOT_TAKEN, received_at=NINE - SECOND / 1000)
    assert found([early, SENT]).broken == {"early": [KEY]}
    assert found([replace(SENT, received_at=NINE)]).is_kept


@pytest.mark.parametrize("status", ["SCHEDULED", "QUEUED", "SENDING", "RETRYING"])
def test_a_row_that_has_not_ended_is_live(status: str):
    assert found([SENT], replace(ROW, status=status)).broken == {"live": [KEY]}


def test_where_an_edit_raced_the_claim_none_or_one_is_right_and_two_are_not():
    unsure = replace(EXPECTED, is_sure=False)
    assert found([], replace(ROW, status="CANCELLED"), unsure).is_kept
    assert found([SENT], ROW, unsure).is_kept
    assert found([SENT, AGAIN], ROW, unsure).broken == {"duplicates": [KEY]}
