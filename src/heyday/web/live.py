"""Send parts of a page to those who look at it, as they change: server-sent events.

An event is named after the part that it brings, the id of an element; static/live.js puts it there.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import timedelta

import structlog
from litestar.response import Stream

from heyday.domain.errors import DatabaseError
from heyday.domain.ports import Clock
from heyday.services.bell import Bell

log = structlog.get_logger()

Render = Callable[[], Awaitable[Mapping[str, str]]]
"""Return the parts of a page as they are now, by the id of the element that each fills."""

EVENTS = "text/event-stream"
"""The media type of such a stream."""

_EVERY = timedelta(seconds=5)
# A stream is opened anew that often, by the gate: who was shut out meanwhile sees no more.
_LONGEST = timedelta(minutes=1)
_HELLO = ": live\n\n"


class Live:
    """Hold all streams of a process, so that its end need not wait for them."""

    def __init__(
        self, clock: Clock, every: timedelta = _EVERY, longest: timedelta = _LONGEST
    ) -> None:
        self._clock = clock
        self._every = every.total_seconds()
        self._longest = longest.total_seconds()
        self._bell = Bell(clock)
        self._is_closed = False

    def close(self) -> None:
        """End all streams at once, and begin none; browsers come again, each in its own time."""
        self._is_closed = True
        self._bell.ring()

    def stream(self, render: Render) -> Stream:
        """Return a reply that goes on for a minute, and in it what has changed, and nothing else.

        While PostgreSQL is away it brings nothing: what a page shows says how old it is.
        """
        # A proxy that gathers a reply before it passes it on would keep it for itself.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Stream(self.events(render), media_type=EVENTS, headers=headers)

    async def events(self, render: Render) -> AsyncGenerator[str, None]:
        """Yield the events of one stream."""
        yield _HELLO
        ends_at = self._clock.monotonic() + self._longest
        sent: dict[str, str] = {}
        while not self._is_closed:
            for name, part in (await self._render(render)).items():
                if sent.get(name) != part:
                    sent[name] = part
                    yield write_event(name, part)
            if self._clock.monotonic() >= ends_at:
                yield write_event("again", "")
                return
            # Whoever takes long to take a part may have been waited for when the end came.
            if not self._is_closed:
                await self._bell.wait(self._every)

    @staticmethod
    async def _render(render: Render) -> Mapping[str, str]:
        try:
            return await render()
        except DatabaseError as error:
            log.info("live_page_not_read", error=type(error).__name__)
            return {}


def write_event(name: str, data: str) -> str:
    """Write one event as the standard has it: each line of its data on a line of its own."""
    # One without any data would be passed over: a part may have become empty.
    lines = "\n".join(f"data: {line}" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n\n"
