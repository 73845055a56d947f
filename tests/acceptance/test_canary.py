"""Marked people live through everything that can go wrong: no mark is where none belongs."""

import asyncio
import contextlib
import json
import signal
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web

from heyday.db.types import AnyConnection
from tests.acceptance.canary import (
    TOKEN,
    Evidence,
    Marks,
    marked_person,
    server_log,
    tables_with,
    watch_postgres,
    watched_rabbit,
    watched_redis,
    write_file,
)
from tests.acceptance.moments import Moment, moment_in
from tests.acceptance.processes import Heyday, heyday, run
from tests.acceptance.test_to_a_provider import TIME_PASSES, is_all_ended
from tests.collector import Collector
from tests.keys import bearer, key_at
from tests.provider import Act, Provider, Received
from tests.redis import RedisServer

PEOPLE = 40
STOPS_WITHIN = 10.0
DIES_WITHIN = 60.0
# Each point kills a process of its own, one after the other.
FATAL = {
    "worker": ("claim.after_commit=kill#2", "call.after_accepted=kill#4", "ack.before=kill#1"),
    "scheduler": ("enqueue.after_commit=kill#1", "publish.after=kill#1"),
}
SETTINGS = {
    "PORT": "0",
    "HEYDAY_API_RATE_LIMIT": "100000",
    "HEYDAY_AMBIGUOUS": "RETRY",
    "HEYDAY_BATCH_SIZE": "5",
    "HEYDAY_BREAKER_FAILURES": "1000",
    "HEYDAY_CALL_TIMEOUT": "500ms",
    "HEYDAY_LEASE": "5s",
    "HEYDAY_LOST_AFTER": "3s",
    "HEYDAY_LOG_FORMAT": "json",
    "HEYDAY_LOG_LEVEL": "debug",
    "HEYDAY_LOG_SQL": "true",
    "HEYDAY_SWEEP_EVERY": "1s",
}
_WRONG = f"{TOKEN}\x00"


def gossip(request: Received) -> "Act | web.Response":
    """Fail every second message once, and tell everybody whose it was in every way there is."""
    whose = f"{request.email} {request.message}"
    fate = zlib.crc32(request.key.encode()) % 10
    if fate == 0:
        return web.json_response({"error": f"no mailbox {whose}"}, status=422)
    if request.earlier or fate > 5:
        return web.json_response({"success": True, "id": f"accepted-{request.key[-10:]}"})
    answers: list[Act | web.Response] = [
        web.Response(status=500, reason=f"cannot reach {request.email}", text=whose),
        web.Response(status=503, headers={"Retry-After": request.email, "X-For": request.email}),
        web.Response(status=302, headers={"Location": f"/{quote(whose)}"}),
        web.json_response({"success": False, "error": {"to": request.email, "text": whose}}),
        Act.RESET_ACCEPTED,
    ]
    return answers[fate - 1]


@dataclass(eq=False)
class Run:
    """One Heyday in many processes, all of which are listened to."""

    settings: dict[str, str]
    folder: Path
    connection: AnyConnection
    provider: Provider
    moment: Moment
    collector: Collector
    evidence: Evidence = field(default_factory=Evidence)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    _all: list[tuple[str, Heyday]] = field(default_factory=list)

    @property
    def marks(self) -> Marks:
        return Marks(date.fromisoformat(marked_person(0, self.moment)["birthday_date"]))

    async def start(self, *words: str, **settings: str) -> Heyday:
        given = {**self.settings, **settings}
        process = await self._stack.enter_async_context(heyday(*words, cwd=self.folder, **given))
        self._all.append((" ".join(words), process))
        return process

    async def start_to_die(self, role: str, point: str) -> None:
        """Start a process that is killed where it gets to, and wait for that."""
        process = await self.start(role, HEYDAY_FAILPOINTS=point)
        async with asyncio.timeout(DIES_WITHIN):
            while process.process.returncode is None:
                await self.connection.execute(TIME_PASSES)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await process.process.wait()
        assert process.process.returncode == -signal.SIGKILL

    async def command(self, *words: str) -> str:
        done = await asyncio.to_thread(run, *words, cwd=self.folder, **self.settings)
        self.evidence.add(f"heyday {' '.join(words)}", done.out + done.err)
        return done.out

    async def close(self) -> None:
        await self._stack.aclose()
        for name, process in self._all:
            self.evidence.add(f"log of heyday {name}", process.text)


@pytest.fixture(params=["postgresql", "rabbitmq"])
def rabbitmq_url(request: pytest.FixtureRequest) -> str | None:
    """Where the broker is, for each transport in turn."""
    is_used = request.param == "rabbitmq"
    return request.getfixturevalue("rabbit").url if is_used else None


@pytest.fixture
async def heard(
    rabbitmq_url: str | None,
    database_url: str,
    connection: AnyConnection,
    redis_server: RedisServer,
    tmp_path: Path,
) -> AsyncIterator[Run]:
    """A run of which every store is watched and every line is logged, by one transport."""
    # Nine o'clock was a minute ago: whoever comes now is greeted at once.
    moment = moment_in(-60)
    settings = SETTINGS | {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_server.url,
        "SEND_TIME": f"{moment.local:%H:%M:%S}",
    }
    async with contextlib.AsyncExitStack() as stack:
        provider = await stack.enter_async_context(Provider(gossip))
        settings["EMAIL_SERVICE_URL"] = provider.url
        collector = await stack.enter_async_context(Collector())
        settings |= {"HEYDAY_TRACES_URL": collector.url, "HEYDAY_TRACES_SHARE": "1"}
        run = Run(settings, tmp_path, connection, provider, moment, collector)
        await watch_postgres(connection, run.evidence)
        await stack.enter_async_context(watched_redis(redis_server.url, run.evidence))
        if rabbitmq_url:
            settings["RABBITMQ_URL"] = rabbitmq_url
            await stack.enter_async_context(watched_rabbit(rabbitmq_url, run.evidence))
        stack.push_async_callback(run.close)
        yield run


async def test_marks_are_nowhere_but_in_rows_and_letters(heard: Run) -> None:
    evidence, connection = heard.evidence, heard.connection
    logged_before = len(await server_log(connection))
    await live(heard)
    await heard.close()
    for request in heard.provider.requests:
        evidence.add("head of a request to the provider", request.head)
    for (body,) in await connection.fetch("SELECT body FROM queue_witness"):
        evidence.add("queue", body)
    for told in (*heard.collector.bodies, *heard.collector.spans):
        evidence.add("traces", told)
    evidence.add("log of PostgreSQL", (await server_log(connection))[logged_before:])
    assert evidence.marked(heard.marks) == {}
    # Otherwise this would have shown nothing.
    asked = {request.email.partition("@")[2] for request in heard.provider.requests}
    assert asked == {f"{TOKEN}-mail.example"}
    assert "users" in await tables_with(connection, heard.marks)
    assert {"queue", "redis", "metrics", "error replies", "traces"} <= set(evidence.texts)
    assert {"call http", "POST /api/v1/users"} <= {each.name for each in heard.collector.spans}
    assert any('"sql"' in text for text in evidence.texts["log of heyday worker"])

    ids = [str(row["id"]) for row in await connection.fetch("SELECT id FROM users")]
    for start in range(0, len(ids), 4):
        some = (heard.command("users", "erase", "--yes", one) for one in ids[start : start + 4])
        assert await asyncio.gather(*some) == ["Erased.\n"] * len(ids[start : start + 4])
    assert await tables_with(connection, heard.marks) == {}
    assert evidence.marked(heard.marks) == {}


async def live(run: Run) -> None:
    """Bring people in by file and by the API, ask wrongly, and have processes die meanwhile."""
    people = [marked_person(number, run.moment) for number in range(PEOPLE)]
    rejected = {**people[0], "timezone": f"Mars/{TOKEN}"}
    write_file(run.folder / "people.csv", [*people, rejected, people[1]])
    api = await run.start("api")
    port = json.loads((await api.said(r'\{.*"event": "started".*\}'))[0])["port"]
    await run.command("users", "import", "people.csv")
    await ask_and_add(run, f"http://127.0.0.1:{port}", people[0])
    for point in FATAL["scheduler"]:
        await run.start_to_die("scheduler", point)
    scheduler = await run.start("scheduler")
    for point in FATAL["worker"]:
        await run.start_to_die("worker", point)
    worker = await run.start("worker")
    await run.connection.execute(TIME_PASSES)
    await run.command("jobs", "run", "recovery", "--json")
    await worker.until(lambda: is_all_ended(run.connection))
    await run.command("reconcile", "--json")
    assert [await p.stop(STOPS_WITHIN) for p in (api, scheduler, worker)] == [0, 0, 0]


async def ask_and_add(run: Run, url: str, person: dict[str, str]) -> None:
    """Ask the API wrongly, add a person by it, and look at its metrics."""
    key = await key_at(run.settings["DATABASE_URL"])
    async with aiohttp.ClientSession(url, headers=bearer(key)) as client:
        await ask_wrongly(client, person, run.evidence)
        more = marked_person(PEOPLE, run.moment)
        async with client.post("/api/v1/users", json=more) as reply:
            assert reply.status == 201
            run.evidence.add("headers of replies", reply.raw_headers)
        # A Redis that was slow to answer is asked again after five seconds.
        async with asyncio.timeout(DIES_WITHIN):
            while "redis" not in run.evidence.texts:
                async with client.get("/api/v1/users") as reply:
                    assert reply.status == 200
        async with client.get("/metrics") as reply:
            run.evidence.add("metrics", await reply.text())


async def ask_wrongly(
    client: aiohttp.ClientSession, person: dict[str, str], evidence: Evidence
) -> None:
    """Ask every operation for what it must refuse, with marks in all that is sent."""
    async with client.get("/openapi.json") as reply:
        document = await reply.json(content_type=None)
    bodies: list[Any] = [person, {**person, "email": _WRONG}, {**person, "first_name": _WRONG}]
    bodies += [[person], person["email"], {"email": person["email"]}]
    headers = {"If-Match": f'"{TOKEN}"', "X-Request-Id": f"{TOKEN} x", "Referer": f"/{TOKEN}"}
    for path, item in document["paths"].items():
        for method in {*item, "put"} & {"get", "post", "put", "patch", "delete"}:
            target = "/".join(
                quote(person["email"]) if part.startswith("{") else part for part in path.split("/")
            )
            for body in bodies:
                async with client.request(
                    method,
                    target,
                    params={"limit": TOKEN, "after": TOKEN, "q": person["email"]},
                    json=None if method == "get" else body,
                    headers=headers,
                ) as refused:
                    evidence.add("headers of replies", refused.raw_headers)
                    if refused.status >= 400:
                        evidence.add("error replies", await refused.text())


def test_a_mark_is_found_as_it_is_and_in_disguise() -> None:
    marks = Marks(date(1912, 2, 29))
    for text in (
        'event="sent" to=Zqxvkfirst7',
        "bound to ('ZQXVK.1@x', 2)",
        "born 1912-02-29",
        "datetime.date(1912, 2, 29)",
        "birthday 29.02.1912",
        "on 19120229-",
        "enF4dms=",
        f"key {TOKEN.encode().hex()}",
    ):
        assert marks.find(text), text
    for text in ("1912-03-01", "id 0191202290f", "somebody", ""):
        assert not marks.find(text), text
