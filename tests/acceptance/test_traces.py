"""A collector is told the way of a greeting, by processes of their own; it never holds one up."""

import contextlib
import re
import sys
from pathlib import Path
from time import perf_counter

import aiohttp
import pytest

from heyday.db.types import AnyConnection
from tests.acceptance.moments import moment_in, write_people
from tests.acceptance.processes import Heyday, heyday, run
from tests.acceptance.test_to_a_provider import (
    STOPS_WITHIN,
    assert_on_time,
    command,
    is_all_ended,
)
from tests.collector import Collector, Mood, Told
from tests.keys import bearer, key_at
from tests.provider import Act, Provider, Received

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"  # pragma: allowlist secret
CALLER = "00f067aa0ba902b7"
PERSON = {
    "first_name": "Zoë",
    "last_name": "O'Hara",
    "email": "zoetrope@example.com",
    "timezone": "Etc/UTC",
}
BLOCKED = "import sys; sys.modules['opentelemetry'] = None\nfrom heyday.cli.app import main; main()"


def one(collector: Collector, name: str, **notes: object) -> Told:
    found = [s for s in collector.named(name) if notes.items() <= s.notes.items()]
    assert len(found) == 1, (name, notes, collector.spans)
    return found[0]


def refuse_one(request: Received) -> Act:
    return Act.REFUSE if request.email.startswith("zoe") else Act.OK


async def test_linked_traces_lead_from_the_plan_to_the_provider_and_tell_no_more(
    database_url: str, connection: AnyConnection, carrier: dict[str, str], tmp_path: Path
) -> None:
    # Nine o'clock was a minute ago: whoever comes now is greeted at once.
    moment = moment_in(-60)
    async with (
        Collector() as collector,
        Provider(refuse_one) as provider,
        contextlib.AsyncExitStack() as stack,
    ):
        settings = {
            **carrier,
            "DATABASE_URL": database_url,
            "EMAIL_SERVICE_URL": provider.url,
            "HEYDAY_TRACES_URL": collector.url,
            "HEYDAY_TRACES_SHARE": "1",
            "HEYDAY_LOG_LEVEL": "debug",
            "HEYDAY_LOG_SQL": "true",
            "SEND_TIME": f"{moment.local:%H:%M:%S}",
            "PORT": "0",
        }

        async def start(*words: str) -> Heyday:
            return await stack.enter_async_context(heyday(*words, cwd=tmp_path, **settings))

        api, scheduler, worker = [await start(w) for w in ("api", "scheduler", "worker")]
        await scheduler.until(lambda: connection.fetchval(PLANNED))
        port = (await api.said(r"started\s+port=(\d+)"))[1]
        born = moment.today.replace(year=1988)
        person = {**PERSON, "timezone": moment.zone, "birthday_date": f"{born}"}
        key = await key_at(database_url)
        await post(f"http://127.0.0.1:{port}", key, person)
        await worker.until(lambda: connection.fetchval(ENDED))
        assert [await p.stop(STOPS_WITHIN) for p in (api, scheduler, worker)] == [0, 0, 0]
        assert_the_way(collector, "queue_batches" if not carrier else "heyday.messages")
        assert_the_request(collector, api)
        told = [*collector.bodies, *(str(span).encode() for span in collector.spans)]
        # Spans have random ids: each of these is too long to be there by chance.
        name = ("Zoë", r"Zo\xeb", r"Zo\u00eb", "Hara", "zoetrope", "example")
        asked = provider.requests[0]
        for secret in (*name, "1988-", f"{moment.today}", key, asked.key, asked.message):
            assert not [body for body in told if secret.encode() in body], secret
        call = one(collector, "call http")
        assert re.search(rf"statement .*trace_id={call.trace}", worker.text)


PLANNED = "SELECT count(*) FROM job_runs WHERE name = 'daily' AND finished_at IS NOT NULL"
ENDED = "SELECT count(*) FROM message_logs WHERE status = 'FAILED'"


async def post(url: str, key: str, person: dict[str, str]) -> None:
    """Add a person in a trace of ours; then ask with a trace that is none, and as a probe."""
    async with aiohttp.ClientSession(url, headers=bearer(key)) as client:
        sane = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "zoetrope=example"}
        async with client.post("/api/v1/users", json=person, headers=sane) as reply:
            assert reply.status == 201
            made = (await reply.json())["id"]
        odd = {"traceparent": "00-zoetrope@example.com-01", "User-Agent": "zoetrope"}
        for name, status in ((made, 200), ("zoetrope@example.com", 404)):
            async with client.get(f"/api/v1/users/{name}?q=zoetrope", headers=odd) as reply:
                assert reply.status == status
        async with client.get("/health/live", headers=sane) as reply:
            assert reply.status == 200


def assert_the_way(collector: Collector, destination: str) -> None:
    """One trace from the queue to the record; the runs before it by links."""
    call = one(collector, "call http", **{"heyday.greetings": 1})
    by_id = {span.id: span for span in collector.spans}
    process = by_id[call.parent]
    send = by_id[process.parent]
    assert (process.name, send.name) == (f"process {destination}", f"send {destination}")
    assert [s.kind for s in (send, process, call)] == ["PRODUCER", "CONSUMER", "CLIENT"]
    assert process.notes["heyday.batch.claimed"] == 1
    inner = [span for span in collector.spans if span.parent == process.id]
    assert sorted(span.name for span in inner) == [
        "call http",
        "claim message_logs",
        "record message_logs",
    ]
    assert {span.trace for span in (send, process, *inner)} == {call.trace}
    assert call.has_failed
    assert call.notes["error.type"] == "refused"
    assert call.notes["http.response.status_code"] == 422
    assert len(call.notes["heyday.greeting.ids"]) == 1

    (run_id,) = send.links
    minute = by_id[run_id]
    assert (minute.name, minute.notes["heyday.job.enqueued"]) == ("job minute", 1)
    assert send.id in minute.links
    daily = by_id[next(link for link in minute.links if link != send.id)]
    assert daily.name == "job daily"
    assert daily.notes["heyday.job.run_id"] < minute.notes["heyday.job.run_id"]
    # Each by itself: nothing of the one is a part of the others.
    assert len({send.trace, minute.trace, daily.trace}) == 3
    assert [span.parent for span in (send, minute, daily)] == ["", "", ""]


def assert_the_request(collector: Collector, api: Heyday) -> None:
    served = [span for span in collector.spans if span.kind == "SERVER"]
    assert sorted((s.name, s.notes["http.response.status_code"]) for s in served) == [
        ("GET", 404),
        ("GET /api/v1/users/{user_id}", 200),
        ("POST /api/v1/users", 201),
    ]
    post = one(collector, "POST /api/v1/users")
    assert (post.trace, post.parent) == (TRACE, CALLER)
    assert post.notes == {
        "http.request.method": "POST",
        "http.route": "/api/v1/users",
        "http.response.status_code": 201,
        "url.scheme": "http",
    }
    assert {span.trace for span in served if span is not post}.isdisjoint({TRACE})
    assert re.search(rf"request .*route=/api/v1/users .*trace_id={TRACE}", api.text)


@pytest.mark.parametrize("mood", [Mood.HANGS, Mood.REFUSES, None])
async def test_a_collector_in_trouble_delays_no_greeting_and_no_end(
    database_url: str, connection: AnyConnection, tmp_path: Path, mood: Mood | None
) -> None:
    async with Collector(mood or Mood.TAKES) as away:
        url = away.url
        if mood is None:
            await away.stop()
        async with Provider() as provider:
            settings = {
                "DATABASE_URL": database_url,
                "EMAIL_SERVICE_URL": provider.url,
                "HEYDAY_TRACES_URL": url,
                "HEYDAY_TRACES_SHARE": "1",
                "PORT": "0",
            }
            began = perf_counter()
            await command("db", "migrate", cwd=tmp_path, **settings)
            moment = moment_in(8 + 3 * (perf_counter() - began))
            settings["SEND_TIME"] = f"{moment.local:%H:%M:%S}"
            texts = write_people(tmp_path / "people.csv", moment, 40)
            async with heyday("up", cwd=tmp_path, **settings) as up:
                await up.said("/inbox")
                await command("users", "import", "people.csv", cwd=tmp_path, **settings)
                await up.until(lambda: is_all_ended(connection))
                began = perf_counter()
                assert await up.stop(STOPS_WITHIN) == 0
                stopping = perf_counter() - began
            assert_on_time(provider, moment)
            assert provider.accepted.total() == len(texts)
            assert not [span for span in away.spans if span.name == "call http"]
            assert stopping < 5
            assert mood is None or away.asked


def test_without_the_extra_it_says_what_to_install(database_url: str, tmp_path: Path) -> None:
    done = run(
        *("jobs", "run", "minute"),
        cwd=tmp_path,
        program=(sys.executable, "-c", BLOCKED),
        DATABASE_URL=database_url,
        HEYDAY_TRACES_URL="http://127.0.0.1:4318/v1/traces",
    )
    assert done.status == 2
    assert "pip install 'heyday[traces]'" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9/v1/traces"])
def test_nothing_of_it_is_imported_unless_it_is_set(
    database_url: str, tmp_path: Path, url: str
) -> None:
    imports = (sys.executable, "-X", "importtime", "-m", "heyday")
    done = run(
        *("jobs", "run", "minute"),
        cwd=tmp_path,
        program=imports,
        DATABASE_URL=database_url,
        HEYDAY_TRACES_URL=url,
    )
    assert done.status == 0
    assert "heyday.workers.message" in done.err
    assert ("opentelemetry" in done.err) == bool(url)
