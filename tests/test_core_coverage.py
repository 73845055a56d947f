"""Coverage is that of the core's own tests; others run at full speed."""

import sys
from pathlib import Path

import pytest
from coverage import Coverage

from tests.core_coverage import is_of_the_core, traced


def test_a_test_of_something_else_is_not_traced() -> None:
    """By `make test`, which measures coverage; without it nothing is."""
    assert Coverage.current() is None


@pytest.mark.parametrize("wanted", [True, False])
def test_what_is_measured_goes_on_afterwards(wanted: bool) -> None:  # noqa: FBT001 - a parameter
    measured = Coverage(data_file=None, source_pkgs=["heyday.domain"])
    measured.start()
    try:
        with traced(wanted=wanted):
            assert (sys.gettrace() is not None) is wanted
        assert Coverage.current() is measured
        assert sys.gettrace() is not None
    finally:
        measured.stop()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("unit/domain/test_dates.py", True),
        ("unit/services/test_gate.py", True),
        ("integration/services/test_sending.py", True),
        ("integration/api/test_bulk.py", True),
        ("integration/db/test_users.py", False),
        ("unit/domains.py", False),
    ],
)
def test_tests_of_the_core_are_known_by_their_folder(path: str, expected: bool) -> None:  # noqa: FBT001 - a parameter
    assert is_of_the_core(Path(__file__).parent / path) is expected
