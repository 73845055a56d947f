"""What a collector is told: by a real exporter, on a real socket."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

import pytest
import structlog
from structlog.testing import capture_logs

from heyday.telemetry.otlp import Carrier, OtlpTracer
from tests.collector import Collector, Mood, Told

CARRIER = Carrier("rabbitmq", "heyday.messages")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"  # pragma: allowlist secret
WANTED, UNWANTED = (f"00-{TRACE}-00f067aa0ba902b7-{flag}" for flag in ("01", "00"))


@contextlib.asynccontextmanager
async def tracer_to(collector: Collector, share: float = 1) -> AsyncIterator[OtlpTracer]:
    tracer = OtlpTracer(collector.url, share, CARRIER)
    yield tracer
    await tracer.close()


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with Collector() as collector:
        yield collector


def threads() -> list[threading.Thread]:
    """Return those that send spans."""
    return [each for each in threading.enumerate() if each.name.startswith("OtelBatch")]


def one(collector: Collector, name: str) -> Told:
    (span,) = collector.named(name)
    return span


async def test_a_batch_has_a_trace_of_its_own_linked_with_the_run_that_sent_it(
    collector: Collector,
) -> None:
    async with tracer_to(collector) as tracer:
        with tracer.part("job minute", {}) as run, tracer.send({"heyday.batch.id": "7"}) as sent:
            assert sent.traceparent
            assert run.traceparent
        with (
            tracer.process({}, sent.traceparent),
            tracer.call("call http", {"heyday.greetings": 2}),
        ):
            pass
    run_span, send = one(collector, "job minute"), one(collector, "send heyday.messages")
    process, call = one(collector, "process heyday.messages"), one(collector, "call http")
    assert [s.kind for s in (run_span, send, process, call)] == [
        "INTERNAL",
        "PRODUCER",
        "CONSUMER",
        "CLIENT",
    ]
    assert (run_span.links, send.links) == ((send.id,), (run_span.id,))
    assert run_span.trace != send.trace == process.trace == call.trace
    assert [s.parent for s in (run_span, send, process, call)] == ["", "", send.id, process.id]
    assert send.notes == {
        "heyday.batch.id": "7",
        "messaging.system": "rabbitmq",
        "messaging.destination.name": "heyday.messages",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
    }
    assert call.notes == {"heyday.greetings": 2}
    assert {span.service for span in collector.spans} == {"heyday"}


async def test_parts_are_of_what_is_around_them_in_other_tasks_too(collector: Collector) -> None:
    async with tracer_to(collector) as tracer:

        async def work() -> None:
            with tracer.call("claim", {}):
                pass

        with tracer.process({}, None):
            async with asyncio.TaskGroup() as group:
                group.create_task(work())
    assert one(collector, "claim").parent == one(collector, "process heyday.messages").id


async def test_of_an_error_the_kind_alone_is_told(collector: Collector) -> None:
    async with tracer_to(collector) as tracer:
        with contextlib.suppress(ValueError), tracer.part("job daily", {}):
            raise ValueError("zoe@example.com")
    span = one(collector, "job daily")
    assert span.has_failed
    assert span.notes == {"error.type": "ValueError"}
    assert not [body for body in collector.bodies if b"zoe" in body]


async def test_what_is_forgotten_is_told_to_nobody(collector: Collector) -> None:
    async with tracer_to(collector) as tracer:
        for is_probe in (True, False):
            with tracer.serve({}, None) as span:
                span.rename("probe" if is_probe else "GET /")
                if is_probe:
                    span.forget()
    assert [span.name for span in collector.spans] == ["GET /"]


@pytest.mark.parametrize("share", [0, 1])
async def test_a_share_of_batches_and_requests_is_told_and_every_run(
    collector: Collector, share: int
) -> None:
    async with tracer_to(collector, share) as tracer:
        with tracer.part("job minute", {}), tracer.send({}) as sent:
            pass
        with tracer.process({}, None), tracer.call("call", {}):
            pass
        with tracer.serve({}, None):
            pass
    assert sent.is_told == bool(share)
    told = {span.name for span in collector.spans}
    batches = {"send heyday.messages", "process heyday.messages", "call", "request"}
    assert told == {"job minute"} | (batches if share else set())
    links = one(collector, "job minute").links
    assert len(links) == share


@pytest.mark.parametrize("share", [0, 1])
async def test_a_worker_follows_what_was_decided_when_the_batch_was_sent(
    collector: Collector, share: int
) -> None:
    async with tracer_to(collector, share) as tracer:
        for traceparent in (WANTED, UNWANTED):
            with tracer.process({"is": traceparent}, traceparent), tracer.call("call", {}):
                pass
    process = one(collector, "process heyday.messages")
    assert (process.trace, process.parent) == (TRACE, WANTED.split("-")[2])
    assert process.notes["is"] == WANTED
    assert one(collector, "call").parent == process.id


async def test_a_caller_can_ask_not_to_be_followed_and_no_more(collector: Collector) -> None:
    async with tracer_to(collector, 0) as tracer:
        with tracer.serve({}, WANTED) as span:
            assert not span.is_told
    async with tracer_to(collector, 1) as tracer:
        with tracer.serve({}, UNWANTED) as span:
            assert not span.is_told
        with tracer.serve({}, WANTED):
            pass
    assert [(span.trace, span.kind) for span in collector.spans] == [(TRACE, "SERVER")]


async def test_a_link_leads_to_what_is_told_alone(collector: Collector) -> None:
    async with tracer_to(collector) as tracer:
        with tracer.part("job minute", {}) as run:
            for traceparent in (WANTED, UNWANTED, None, "nonsense"):
                run.link(traceparent)
    assert one(collector, "job minute").links == (WANTED.split("-")[2],)


async def test_log_lines_name_the_trace_while_it_is_told(collector: Collector) -> None:
    async with tracer_to(collector) as tracer:
        seen = []
        for traceparent in (WANTED, UNWANTED):
            with tracer.process({}, traceparent), tracer.call("call", {}):
                seen.append(structlog.contextvars.get_contextvars())
        assert seen == [{"trace_id": TRACE}, {}]
        assert structlog.contextvars.get_contextvars() == {}


async def test_losing_spans_is_told_once_and_so_is_that_it_is_over(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    collector.mood = Mood.REFUSES
    with capture_logs() as logs:
        async with tracer_to(collector) as tracer:
            with tracer.part("job minute", {}):
                pass
            await collector.until(lambda: collector.asked == 1)
            with tracer.part("job minute", {}):
                pass
            await collector.until(lambda: collector.asked == 2)
            collector.mood = Mood.TAKES
            with tracer.part("job daily", {}):
                pass
    assert logs == [
        {"event": "spans_lost", "log_level": "warning", "spans": 1},
        {"event": "spans_sent_again", "log_level": "warning", "lost": 2},
    ]
    assert [span.name for span in collector.spans] == ["job daily"]


async def test_a_collector_that_hangs_holds_up_nothing(collector: Collector) -> None:
    collector.mood = Mood.HANGS
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with tracer_to(collector) as tracer:
        # More than there is room for, so that the oldest are lost.
        for _ in range(5000):
            with tracer.part("job minute", {}):
                pass
        await collector.until(lambda: collector.asked > 0)
        assert loop.time() - began < 10
        began = loop.time()
    assert loop.time() - began < 2
    # Once it is gone, what had waited for it ends as well.
    with capture_logs() as logs:
        await collector.stop()
        for thread in threads():
            await asyncio.to_thread(thread.join, 10)
        assert threads() == []
    assert [line["event"] for line in logs] == ["spans_lost"]
