"""What is sent to each provider, byte for byte. `python -m tests.contracts` records it anew."""

import pytest

from tests.contracts.recorded import FOLDER, requests

RECORDED = dict(requests())


@pytest.mark.parametrize("name", RECORDED)
def test_a_request_is_the_one_that_is_recorded(name: str):
    assert RECORDED[name] == (FOLDER / name).read_bytes()


def test_nothing_else_is_recorded():
    assert {path.name for path in FOLDER.iterdir()} == set(RECORDED)
