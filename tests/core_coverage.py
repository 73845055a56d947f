"""Trace which lines run in the tests of the core alone: tracing takes Python twice the time.

What other tests run of domain and services counts for nothing, so what `make test` demands can only
be harder to reach by this.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from coverage import Coverage

_TESTS = Path(__file__).parent
_OF_THE_CORE = ("unit/domain", "unit/services", "integration/services", "integration/api")


def is_of_the_core(path: Path) -> bool:
    """Tell whether a file holds tests of domain or services, or of the API, which calls them."""
    return any(path.is_relative_to(_TESTS / folder) for folder in _OF_THE_CORE)


@contextmanager
def traced(*, wanted: bool) -> Iterator[None]:
    """Leave coverage as it is where it is wanted; else hold it up, if it goes on."""
    held: list[Coverage] = []
    # A process of pytest-xdist has two, one in the other.
    while not wanted and (measured := Coverage.current()):
        measured.stop()
        held.append(measured)
    try:
        yield
    finally:
        for measured in reversed(held):
            measured.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run one test, with what it sets up, traced or not."""
    with traced(wanted=is_of_the_core(item.path)):
        return (yield)
