"""What can be simulated, and what is refused."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from heyday.domain.errors import InvalidInput
from heyday.domain.tzdb import PINNED, TzDatabase
from heyday.simulation.scenario import PINNED_PACKAGE, Outage, Scenario, open_tzdata

FIRST, LAST = date(2027, 3, 1), date(2027, 3, 31)
AT = datetime(2027, 3, 14, 6, tzinfo=UTC)


def test_it_begins_before_the_first_nine_o_clock_and_ends_after_the_last() -> None:
    scenario = Scenario(FIRST, LAST)
    assert scenario.begin_at < datetime(2027, 2, 28, 19, tzinfo=UTC)
    assert scenario.end_at > datetime(2027, 3, 31, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"last_on": date(2027, 2, 28)}, "--to"),
        ({"last_on": date(2047, 3, 1)}, "--to"),
        ({"outage": Outage(AT - timedelta(days=30), AT)}, "--outage"),
        ({"outage": Outage(AT, AT + timedelta(days=30))}, "--outage"),
        ({"outage": Outage(AT, AT)}, "--outage"),
        ({"tz_update_on": date(2027, 3, 5)}, "--tz-update"),
        ({"tzdata_before": Path("x.whl")}, "--tz-update"),
        ({"tzdata_before": Path("x.whl"), "tz_update_on": date(2027, 4, 5)}, "--tz-update"),
        (
            {
                "tzdata_before": Path("x.whl"),
                "tz_update_on": date(2027, 3, 15),
                "outage": Outage(AT, AT + timedelta(days=1)),
            },
            "lies in the outage",
        ),
    ],
)
def test_what_cannot_be_lived_through_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Scenario(**{"first_on": FIRST, "last_on": LAST, **fields})  # type: ignore[arg-type]


def test_a_package_is_read_from_its_folder() -> None:
    folder = Path(str(PINNED_PACKAGE))
    assert TzDatabase(open_tzdata(folder)).version == PINNED.version


@pytest.mark.parametrize("name", ["nothing.whl", "text.whl", "."])
def test_what_is_no_package_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.whl").write_text("no archive")
    with pytest.raises(InvalidInput, match="--tzdata-before"):
        open_tzdata(tmp_path / name)
