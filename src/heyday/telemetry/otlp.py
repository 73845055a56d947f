"""Tell a collector of spans by OpenTelemetry's protocol. Imported only where one is set."""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

import structlog
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.span import TraceState
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import Attributes

from heyday import __version__
from heyday.telemetry.traces import NOTHING, Notes, Span, Tracer, sane

if TYPE_CHECKING:
    from contextvars import Token

log = structlog.get_logger()

_FLUSH = 1.0
"""Seconds that the last spans are given at the end; stopping may take ten in all."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """Say what carries batches, in the words of the conventions for messaging."""

    system: str
    destination: str


class OtlpTracer(Tracer):
    """Begin spans, and have a thread send those that are told.

    share: of batches, and of requests, that are told. Runs of schedulers are few, and all are.
    """

    is_on = True

    def __init__(self, url: str, share: float, carrier: Carrier) -> None:
        # It tells of each failure at length; we tell of the first, in a line.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._provider = TracerProvider(_Share(share), _resource(), shutdown_on_exit=False)
        self._exporter = _Telling(OTLPSpanExporter(url))
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("heyday", __version__)
        self._carrier = carrier

    async def close(self) -> None:
        """Send what is left, but not for long: a collector that hangs is left to itself."""
        ending = Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, _FLUSH)
        if ending.is_alive():
            self._exporter.shutdown()  # which ends its trying again

    def part(self, name: str, notes: Notes) -> Span:
        """Begin a step of our own."""
        return self._inside(name, SpanKind.INTERNAL, notes)

    def call(self, name: str, notes: Notes) -> Span:
        """Begin to ask another program for something."""
        return self._inside(name, SpanKind.CLIENT, notes)

    def send(self, notes: Notes) -> Span:
        """Begin to hand a batch over; it and the work around it are linked both ways."""
        around = trace.get_current_span()
        links = [Link(around.get_span_context())] if around.is_recording() else []
        span = self._tracer.start_span(
            f"send {self._carrier.destination}",
            Context(),
            SpanKind.PRODUCER,
            {**notes, **self._messaging("send")},
            links,
        )
        if span.is_recording():
            around.add_link(span.get_span_context())
        return _Told(span, is_current=False)

    def process(self, notes: Notes, traceparent: str | None) -> Span:
        """Begin to deal with a batch, in the trace that it came with."""
        name = f"process {self._carrier.destination}"
        notes = {**notes, **self._messaging("process")}
        return self._outermost(name, SpanKind.CONSUMER, notes, traceparent)

    def serve(self, notes: Notes, traceparent: str | None) -> Span:
        """Begin to answer a request, in the trace of who asks if it says which."""
        return self._outermost("request", SpanKind.SERVER, notes, traceparent)

    def _inside(self, name: str, kind: SpanKind, notes: Notes) -> Span:
        around = trace.get_current_span()
        is_first = not around.get_span_context().is_valid
        if not (is_first or around.is_recording()):
            return NOTHING
        return _Told(self._tracer.start_span(name, None, kind, notes), is_first=is_first)

    def _outermost(self, name: str, kind: SpanKind, notes: Notes, traceparent: str | None) -> Span:
        before = _context_of(traceparent)
        context = Context()
        if before:
            context = trace.set_span_in_context(NonRecordingSpan(before), context)
        return _Told(self._tracer.start_span(name, context, kind, notes), is_first=True)

    def _messaging(self, operation: str) -> Notes:
        return {
            "messaging.system": self._carrier.system,
            "messaging.destination.name": self._carrier.destination,
            "messaging.operation.name": operation,
            "messaging.operation.type": operation,
        }


class _Told(Span):
    """Stand for a span of OpenTelemetry's.

    is_current: whether what begins meanwhile, in this task, is a part of it.   is_first: whether
    nothing here is around it; log lines then name its trace.
    """

    def __init__(
        self, span: trace.Span, *, is_current: bool = True, is_first: bool = False
    ) -> None:
        self.is_told = span.is_recording()
        self._span = span
        self._is_current = is_current
        self._is_named = is_first and self.is_told
        self._is_forgotten = False
        self._around: Token[Context] | None = None
        self._bound: Mapping[str, Token[object]] = {}

    @property
    def traceparent(self) -> str | None:  # type: ignore[override]
        context = self._span.get_span_context()
        if not context.is_valid:
            return None
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def note(self, notes: Notes) -> None:
        self._span.set_attributes(notes)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def link(self, traceparent: str | None) -> None:
        context = _context_of(traceparent)
        if context and context.trace_flags.sampled:
            self._span.add_link(context)

    def fail(self, kind: str) -> None:
        self._span.set_attributes({"error.type": kind})
        self._span.set_status(Status(StatusCode.ERROR))

    def forget(self) -> None:
        self._is_forgotten = True

    def __enter__(self) -> Self:
        if self._is_current:
            self._around = attach(trace.set_span_in_context(self._span))
        if self._is_named:
            trace_id = f"{self._span.get_span_context().trace_id:032x}"
            self._bound = structlog.contextvars.bind_contextvars(trace_id=trace_id)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind:
            self.fail(kind.__name__)
        structlog.contextvars.reset_contextvars(**self._bound)
        if self._around:
            detach(self._around)
        # One that never ends is sent to nobody.
        if not self._is_forgotten:
            self._span.end()


class _Share(Sampler):
    """Decide once for a batch or a request, whose parts then follow.

    A caller of the API can say that it does not want to be followed, and cannot that it does: it
    would decide how much a collector is told.
    """

    def __init__(self, share: float) -> None:
        self._share = share

    def should_sample(  # noqa: PLR0913, PLR0917 - the library's
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return whether a span is told."""
        del trace_id, name, links, trace_state
        before = trace.get_current_span(parent_context).get_span_context()
        if before.is_valid and (kind is not SpanKind.SERVER or not before.trace_flags.sampled):
            is_told = before.trace_flags.sampled
        else:
            is_told = kind is SpanKind.INTERNAL or random.random() < self._share  # noqa: S311
        decision = Decision.RECORD_AND_SAMPLE if is_told else Decision.DROP
        return SamplingResult(decision, attributes)

    def get_description(self) -> str:
        """Return what this is, for people."""
        return f"a share of {self._share:g}"


class _Telling(SpanExporter):
    """Send spans, and log when that begins to fail and when it goes well again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send some."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            if self._lost:
                log.warning("spans_sent_again", lost=self._lost)
            self._lost = 0
        else:
            if not self._lost:
                log.warning("spans_lost", spans=len(spans))
            self._lost += len(spans)
        return result

    def shutdown(self) -> None:
        """End the connection."""
        self._exporter.shutdown()


def _context_of(traceparent: str | None) -> SpanContext | None:
    if not sane(traceparent):
        return None
    _, trace_id, span_id, flags = str(traceparent).split("-")
    return SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16))
    )


def _resource() -> Resource:
    """Return what this process is called: as OpenTelemetry's own variables say, else heyday."""
    found = Resource.create({SERVICE_VERSION: __version__})
    if str(found.attributes[SERVICE_NAME]).startswith("unknown_service"):
        return found.merge(Resource({SERVICE_NAME: "heyday"}))
    return found
