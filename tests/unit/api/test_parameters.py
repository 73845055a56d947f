from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from litestar.exceptions import ValidationException

from heyday.api.parameters import read_instant, read_place
from heyday.domain.message_filters import Place
from tests.fakes import START_AT

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def test_a_place_goes_round_to_the_microsecond():
    place = Place(START_AT + timedelta(microseconds=7), UUID(int=2**127 + 5))
    assert read_place("after", str(place)) == place
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
    assert read_instant("from", "2027-01-14T09:00:00+09:00") == START_AT
    assert read_instant("from", None) is None


@pytest.mark.parametrize("given", ["2027-01-14T09:00:00", "0.5", "1800000000", "2027-01-14", ""])
def test_what_is_no_instant_is_refused_by_name(given: str):
    with pytest.raises(ValidationException) as refused:
        read_instant("from", given)
    (entry,) = refused.value.extra or []
    assert isinstance(entry, dict)
    assert entry["key"] == "from"


@pytest.mark.parametrize("offset", ["-14:00", "+00:00", "+14:00"])
def test_an_instant_centuries_away_is_brought_nearer(offset: str):
    assert read_instant("from", f"0001-01-01T00:00:00{offset}") == EARLIEST
    assert read_instant("from", f"9999-12-31T23:59:59{offset}") == LATEST
