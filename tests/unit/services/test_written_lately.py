"""Whom a look is at: everybody twice and once a day, and else since the look before the last."""

from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from heyday.domain.models import Written
from heyday.services.written_lately import WrittenLately
from tests.fakes import START_AT

if TYPE_CHECKING:
    from heyday.domain.ports import Session

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Plans:
    """Number each look, and say since when it looked."""

    def __init__(self) -> None:
        self.asked: list[int | None] = []

    async def find_written(self, since: int | None, at_most: int) -> Written:
        assert at_most > 0
        self.asked.append(since)
        return Written(len(self.asked), None if since is None else [])


async def looked(lately: WrittenLately, plans: Plans, minute: float, *, well: bool = True) -> None:
    session = cast("Session", SimpleNamespace(plans=plans))
    now = START_AT + minute * MINUTE
    written = await lately.look(session, now)
    if well:
        lately.note(written, now)


async def test_each_look_goes_back_to_the_one_before_the_last() -> None:
    lately, plans = WrittenLately(), Plans()
    for minute in range(5):
        await looked(lately, plans, minute)
    assert plans.asked == [None, None, 1, 2, 3]


async def test_what_was_not_put_in_order_is_looked_at_again() -> None:
    lately, plans = WrittenLately(), Plans()
    await looked(lately, plans, 0, well=False)
    for minute in range(1, 4):
        await looked(lately, plans, minute)
    await looked(lately, plans, 4, well=False)
    await looked(lately, plans, 5)
    assert plans.asked == [None, None, None, 2, 3, 3]


async def test_everybody_is_looked_at_once_a_day_and_when_the_clock_went_back() -> None:
    lately, plans = WrittenLately(), Plans()
    for minute in (0, 1, 2, DAY / MINUTE, DAY / MINUTE + 1, DAY / MINUTE + 2, 5):
        await looked(lately, plans, minute)
    # The second look, at minute 1, was the last at everybody.
    assert plans.asked == [None, None, 1, 2, None, 4, None]
