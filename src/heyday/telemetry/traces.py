"""Follow work from process to process, in spans. Off, nothing is followed, and nothing imported.

docs/telemetry.md catalogues each span. What is noted of one is ids, counts and kinds: never a name,
an address, a person's date, a key or a text.
"""

import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import Self

Notes = Mapping[str, str | int | float | bool | Sequence[str]]

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


def sane(given: object) -> str | None:
    """Return a W3C `traceparent` of version 00; None for whatever else somebody may have sent."""
    return given if isinstance(given, str) and _TRACEPARENT.fullmatch(given) else None


class Span:
    """Stand for a stretch of work, from `with` to its end. This one is told to nobody.

    is_told: whether it pays to note what takes time to find out.   traceparent: what others go on
    from; None where nothing is followed.
    """

    is_told = False
    traceparent: str | None = None

    def note(self, notes: Notes) -> None:
        """Add what is known by now."""

    def rename(self, name: str) -> None:
        """Call it by a name that is known only now."""

    def link(self, traceparent: str | None) -> None:
        """Say what it goes on from, if that is followed."""

    def fail(self, kind: str) -> None:
        """Say that the work came to nothing, and by which kind of fault."""

    def forget(self) -> None:
        """Tell nobody of it after all."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it. Of an error that passes its kind alone is noted: its text may quote a row."""


NOTHING = Span()


class Tracer:
    """Begin spans: parts of those around them, but for the three that cross to other processes.

    This one begins none.
    """

    is_on = False

    def part(self, name: str, notes: Notes) -> Span:
        """Begin a step of our own."""
        del self, name, notes
        return NOTHING

    def call(self, name: str, notes: Notes) -> Span:
        """Begin to ask another program for something."""
        del self, name, notes
        return NOTHING

    def send(self, notes: Notes) -> Span:
        """Begin to hand a batch over: a trace of its own, linked with the work around it."""
        del self, notes
        return NOTHING

    def process(self, notes: Notes, traceparent: str | None) -> Span:
        """Begin to deal with a batch, in the trace that it came with."""
        del self, notes, traceparent
        return NOTHING

    def serve(self, notes: Notes, traceparent: str | None) -> Span:
        """Begin to answer a request, in the trace of who asks if it says which."""
        del self, notes, traceparent
        return NOTHING


TRACER: ContextVar[Tracer] = ContextVar("heyday_tracer", default=Tracer())  # noqa: B039 - stateless
"""The one in use, for all that is started after it was set."""
