"""A collector of spans on a real socket, for tests: it takes OTLP over HTTP, or does not."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

WITHIN = 20.0


class Mood(StrEnum):
    """Say what becomes of what is sent."""

    TAKES = "takes"
    HANGS = "hangs"
    REFUSES = "refuses"


@dataclass(frozen=True)
class Told:
    """One span as it came. parent, links: ids of spans."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    has_failed: bool
    notes: dict[str, Any]
    service: str

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace}-{self.id}-01"


class Collector:
    """Listen on a port of 127.0.0.1, and keep each span and each byte."""

    def __init__(self, mood: Mood = Mood.TAKES) -> None:
        self.mood = mood
        self.spans: list[Told] = []
        self.bodies: list[bytes] = []
        self.asked = 0
        self._port = 0
        self._changed = asyncio.Condition()
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/traces", self._take)
        self._runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Be there no longer."""
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1/traces"

    def named(self, name: str) -> list[Told]:
        """Return the spans of a name."""
        return [span for span in self.spans if span.name == name]

    async def until(self, is_there: Callable[[], bool], seconds: float = WITHIN) -> None:
        """Return once something is so of what has come."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(is_there)
        except TimeoutError:
            names = [span.name for span in self.spans]
            raise AssertionError(f"not so in {seconds} s, of {names}") from None

    async def _take(self, http: web.Request) -> web.Response:
        mood, body = self.mood, await http.read()
        async with self._changed:
            self.asked += 1
            if mood is Mood.TAKES:
                self.bodies.append(body)
                self.spans += read_spans(body)
            self._changed.notify_all()
        if mood is Mood.HANGS:
            await asyncio.Event().wait()
        return web.Response(status=400 if mood is Mood.REFUSES else 200)


def read_spans(body: bytes) -> Iterator[Told]:
    """Yield the spans in a request."""
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        about = {each.key: _value(each.value) for each in group.resource.attributes}
        for scope in group.scope_spans:
            for span in scope.spans:
                assert not span.events, "an event may hold the text of an error"
                yield Told(
                    name=span.name,
                    kind=WireSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    links=tuple(link.span_id.hex() for link in span.links),
                    has_failed=span.status.code == 2,
                    notes={each.key: _value(each.value) for each in span.attributes},
                    service=str(about["service.name"]),
                )


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, str(kind))
