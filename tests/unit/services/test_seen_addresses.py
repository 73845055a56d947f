"""Each address of a file is remembered with its line, in memory or on the disk."""

import tempfile
import tracemalloc
from contextlib import closing
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heyday.services import seen_addresses
from heyday.services.seen_addresses import SeenAddresses


# To put 65,536 buckets on the disk takes a hundredth of a second.
@settings(max_examples=25)
@given(
    st.lists(st.emails() | st.sampled_from(["a@x.org", "A@x.org", "b@x.org"]), max_size=50),
    st.integers(8, 60),
)
def test_an_address_is_remembered_with_its_first_line(addresses: list[str], most: int) -> None:
    first: dict[str, int] = {}
    with closing(SeenAddresses(most)) as seen:
        for line, address in enumerate(addresses, start=2):
            assert seen.add(address, line) == first.get(address.lower())
            first.setdefault(address.lower(), line)


def test_memory_does_not_grow_with_the_file() -> None:
    held = []
    tracemalloc.start()
    try:
        with closing(SeenAddresses(4_000)) as seen:
            for number in range(12_001):
                seen.add(f"{number}@x.org", number)
                if number in {4_000, 12_000}:
                    held.append(tracemalloc.get_traced_memory()[0])
            assert seen.add("17@X.org", 20_000) == 17
    finally:
        tracemalloc.stop()
    # The digests of the 8,000 between take more than this.
    assert held[1] - held[0] < 64_000


def test_without_room_on_the_disk_all_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(seen_addresses, "TemporaryFile", refuse)
    with closing(SeenAddresses(10)) as seen:
        for line in range(100):
            assert seen.add(f"{line}@x.org", line) is None
        assert [seen.add(f"{line}@x.org", 200) for line in range(100)] == list(range(100))


def test_a_disk_that_fills_up_forgets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(SeenAddresses(10)) as seen:
        for line in range(25):
            seen.add(f"{line}@x.org", line)
        # Writing to it fails with ENOSPC, always.
        monkeypatch.setattr(seen_addresses, "TemporaryFile", lambda: open("/dev/full", "wb"))  # noqa: SIM115, PTH123
        for line in range(25, 60):
            seen.add(f"{line}@x.org", line)
        assert [seen.add(f"{line}@x.org", 200) for line in range(60)] == list(range(60))


def test_no_address_stands_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    files = []

    def remember() -> object:
        files.append(tempfile.TemporaryFile())  # noqa: SIM115
        return files[-1]

    monkeypatch.setattr(seen_addresses, "TemporaryFile", remember)
    contents = []
    for _ in range(2):
        with closing(SeenAddresses(5)) as seen:
            for line in range(5):
                seen.add(f"{line}@x.org", line)
            files[-1].seek(0)
            contents.append(files[-1].read())
        assert files[-1].closed
    assert b"x.org" not in contents[0]
    assert len(contents[0]) == 5 * 21
    # Keyed with chance: nobody finds out from it whether an address was in the file.
    assert contents[0] != contents[1]
