"""A restore of the database sends nothing twice and loses nothing, by the steps of the page.

A short form of `make drill-restore`: the same processes and commands, fewer greetings.
"""

import pytest

from tests.drills.restore import Variant, drill


@pytest.mark.parametrize("variant", [Variant.PITR, Variant.CRASH])
async def test_a_restored_database_sends_nothing_twice(variant: Variant) -> None:
    found = await drill(variant, 150)
    assert found.problems == []
    assert found.forgotten > 0
    assert (found.resent <= found.doubtful, found.lost) == (True, 0)
    assert variant is Variant.CRASH or found.resent == 0
