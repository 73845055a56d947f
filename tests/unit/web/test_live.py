"""What a stream brings, when it ends, and what it costs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta

import pytest

from heyday.domain.errors import DatabaseUnavailable
from heyday.web.live import Live, write_event
from tests.fakes import FakeClock

EVERY, LONGEST = timedelta(seconds=5), timedelta(minutes=1)
AGAIN = "event: again\ndata: \n\n"


class Page:
    """A page of two parts, of which a test changes one."""

    def __init__(self) -> None:
        self.parts = {"fixed": "<p>one</p>", "moving": "<p>1</p>"}
        self.is_away = False

    async def render(self) -> dict[str, str]:
        if self.is_away:
            raise DatabaseUnavailable("away")
        return dict(self.parts)


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def live(clock: FakeClock) -> Live:
    return Live(clock, EVERY, LONGEST)


async def take(events: AsyncIterator[str], count: int) -> list[str]:
    return [await anext(events) for _ in range(count)]


async def wait_and_pass(clock: FakeClock, by: timedelta) -> None:
    """Let time pass once somebody waits for it."""
    await clock.wait_for_sleepers(1)
    clock.advance(by)


async def test_a_stream_begins_with_the_page_as_it_is(live: Live, page: Page) -> None:
    async with aclosing(live.events(page.render)) as events:
        assert await take(events, 3) == [
            ": live\n\n",
            "event: fixed\ndata: <p>one</p>\n\n",
            "event: moving\ndata: <p>1</p>\n\n",
        ]


async def test_and_goes_on_with_what_has_changed(live: Live, page: Page, clock: FakeClock) -> None:
    async with aclosing(live.events(page.render)) as events:
        await take(events, 3)
        coming = asyncio.ensure_future(anext(events))
        await wait_and_pass(clock, EVERY)
        page.parts["moving"] = "<p>2</p>"
        assert await coming == "event: moving\ndata: <p>2</p>\n\n"


async def test_after_a_minute_a_browser_is_sent_to_the_gate_again(
    live: Live, page: Page, clock: FakeClock
) -> None:
    events = live.events(page.render)
    await take(events, 3)
    coming = asyncio.ensure_future(anext(events))
    await wait_and_pass(clock, LONGEST)
    assert await coming == AGAIN
    assert [event async for event in events] == []


async def test_while_the_database_is_away_it_brings_nothing_and_goes_on(
    live: Live, page: Page, clock: FakeClock
) -> None:
    page.is_away = True
    async with aclosing(live.events(page.render)) as events:
        await take(events, 1)
        coming = asyncio.ensure_future(anext(events))
        await wait_and_pass(clock, EVERY)
        await clock.wait_for_sleepers(1)
        page.is_away = False
        clock.advance(EVERY)
        assert await coming == "event: fixed\ndata: <p>one</p>\n\n"


async def test_the_end_of_the_server_ends_all_streams_at_once(
    live: Live, page: Page, clock: FakeClock
) -> None:
    streams = [live.events(page.render) for _ in range(20)]
    for events in streams:
        await take(events, 3)
    endings = [asyncio.ensure_future(anext(events, None)) for events in streams]
    await clock.wait_for_sleepers(len(streams))
    live.close()
    # Without a word: browsers come again, and not all together.
    assert await asyncio.gather(*endings) == [None] * len(streams)
    assert [event async for event in live.events(page.render)] == [": live\n\n"]


def test_each_line_of_a_part_is_a_line_of_its_event() -> None:
    assert write_event("x", "<p>\n  é</p>\n") == "event: x\ndata: <p>\ndata:   é</p>\n\n"
    assert write_event("x", "") == "event: x\ndata: \n\n"
