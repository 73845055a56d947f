from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from litestar.exceptions import ValidationException

from heyday.api.parameters import read_instant, read_place, write_place
from heyday.domain.message_filters import Place
from tests.fakes import START_AT

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def test_a_place_goes_round_to_the_microsecond():
    place = Place(START_AT + timedelta(microseconds=7), UUID(int=2**127 + 5))
    assert read_place("after", write_place(place)) == place
    assert read_place("after", None) is None


@pytest.mark.parametrize(
    "given",
    ["", "SECRET", "1-2", f"-5-{UUID(int=1)}", f"{10**17}0-{UUID(int=1)}", f"1-{UUID(int=1)} "],
)
def test_what_is_no_place_is_refused_by_name(given: str):
    with pytest.raises(ValidationException) as refused:
        read_place("after", given)
    (entry,) = refused.value.extra or []
    assert isinstance(entry, dict)
    assert entry["key"] == "after"
    assert "SECRET" not in str(entry)


def test_an_instant_needs_its_offset():
    east = datetime(2027, 1, 14, 9, tzinfo=timezone(timedelta(hours=9)))
    assert read_instant("from", east) == START_AT
    assert read_instant("from", None) is None
    with pytest.raises(ValidationException):
        read_instant("from", datetime(2027, 1, 14, 9))  # noqa: DTZ001 - as somebody may give it


@pytest.mark.parametrize("hours", [-14, 0, 14])
def test_an_instant_centuries_away_is_brought_nearer(hours: int):
    offset = timezone(timedelta(hours=hours))
    assert read_instant("from", datetime.min.replace(tzinfo=offset)) == EARLIEST
    assert read_instant("from", datetime.max.replace(tzinfo=offset)) == LATEST
