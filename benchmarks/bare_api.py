"""Serve people by Starlette, msgspec and asyncpg alone, for `make bench-api` to compare with.

It runs the very statements that Heyday runs for the same request, whatever they are: it listens to
Heyday once, as a request is served, and repeats what it heard with the values of each request.
What Heyday computes in Python, such as whether an address is one, it does not.

`python -m benchmarks.bare_api --url DATABASE_URL [--key KEY]` prints the port that it serves on.
"""

import argparse
import asyncio
import contextlib
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from itertools import chain, count
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import msgspec
import uvicorn
import uvloop
from asyncpg.connection import LoggedQuery
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from heyday.bootstrap import open_app
from heyday.cli.http_server import HttpServer
from heyday.db import queries
from heyday.db.connection import PoolConfig
from heyday.db.types import Pool
from heyday.settings import Settings
from heyday.telemetry import configure_logging

PEOPLE = "/api/v1/users"
PERSON = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "timezone": "Europe/London",
    "birthday_date": "1990-12-10",
    "anniversary_date": "2015-03-02",
    "location_city": "London",
    "location_country": "United Kingdom",
}
_JSON = "application/json"
_LOOKS = queries.load("audit")["add_looks"].text
# Of a request, or of the person it is about, within a statement's text.
_ID = re.compile(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")

Value = Callable[[Mapping[str, object]], object]
"""Make a statement's parameter of what a request brought."""


class PersonBody(msgspec.Struct):
    """Describe what POST takes."""

    first_name: str
    last_name: str
    email: str
    timezone: str
    birthday_date: date | None = None
    anniversary_date: date | None = None
    location_city: str | None = None
    location_country: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """Hold one statement, with what makes its parameters; without any it is a plain command."""

    query: str
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Heard:
    """Hold the statements of one request, and what it brought and found."""

    statements: Sequence[LoggedQuery]
    known: Mapping[str, object]


def statements_of(first: Heard, second: Heard) -> list[Statement]:
    """Return the statements of two requests of one kind, with what differs between them open.

    Raises ValueError if they are not the same statements.
    """
    texts = [_ID.sub("", heard.query) for heard in first.statements]
    if texts != [_ID.sub("", heard.query) for heard in second.statements]:
        raise ValueError(f"two requests of one kind differ: {texts}")
    return [
        Statement(
            one.query,
            [
                _value(a, b, first.known, second.known)
                for a, b in zip(one.args, other.args, strict=True)
            ],
        )
        for one, other in zip(first.statements, second.statements, strict=True)
    ]


def _value(
    a: object, b: object, first: Mapping[str, object], second: Mapping[str, object]
) -> Value:
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b) and a != b:
        makers = [_value(x, y, first, second) for x, y in zip(a, b, strict=True)]
        return lambda known: [make(known) for make in makers]
    names = [name for name in first if (first[name], second[name]) == (a, b) and a != b]
    if names:
        return lambda known: known[names[0]]
    if a != b and isinstance(a, UUID):
        return lambda _: uuid4()
    ids = str(first["id"]), str(second["id"])
    if isinstance(a, str) and a != b and a.replace(*ids) == b:
        return lambda known: a.replace(ids[0], str(known["id"]))
    if a != b and isinstance(a, str):
        return lambda _: uuid4().hex
    return lambda _: a


async def listen(url: str, headers: Mapping[str, str]) -> tuple[list[Statement], list[Statement]]:
    """Return what Heyday runs to add a person, and to show one."""
    heard: list[LoggedQuery] = []
    settings = Settings(
        DATABASE_URL=url, HEYDAY_LOG_SQL=True, HEYDAY_API_RATE_LIMIT=0, HEYDAY_POOL_MIN=1
    )
    added, shown = [], []
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        stack.enter_context(patch("heyday.db.connection._log_statement", heard.append))
        server = HttpServer.of(await enter(open_app(settings, is_server=True)))
        base = await enter(_serving(server))
        client = await enter(aiohttp.ClientSession(base, headers=headers))
        # The first one fills what Heyday remembers from then on.
        for number in range(3):
            body = _person(number)
            found = await _ask(client, "POST", PEOPLE, body, HTTPStatus.CREATED)
            known = {**msgspec.structs.asdict(msgspec.convert(body, PersonBody))}
            known["id"] = UUID(found["id"])
            added.append(Heard(tuple(heard), known))
            heard.clear()
            await _ask(client, "GET", f"{PEOPLE}/{found['id']}", None, HTTPStatus.OK)
            shown.append(Heard(tuple(heard), {"id": known["id"]}))
            heard.clear()
    return statements_of(*added[1:]), statements_of(*shown[1:])


def _person(number: int) -> dict[str, str]:
    """Return a person who has no field in common with another, but the zone."""
    texts = {name: f"{text}{number}" for name, text in PERSON.items()}
    return texts | {
        "email": f"listened.{uuid4().hex}@example.com",
        "timezone": PERSON["timezone"],
        "birthday_date": f"199{number}-12-10",
        "anniversary_date": f"201{number}-03-02",
    }


async def _ask(
    client: aiohttp.ClientSession, method: str, path: str, body: object, expected: HTTPStatus
) -> dict[str, str]:
    async with client.request(method, path, json=body) as reply:
        if reply.status != expected:
            raise RuntimeError(f"{method} {path}: {reply.status}")
        found: dict[str, str] = await reply.json()
        return found


@contextlib.asynccontextmanager
async def _serving(server: uvicorn.Server) -> AsyncIterator[str]:
    """Serve on any port; lend the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await task


class Looks:
    """Write down looks in groups, as Heyday does: while one is being written the next gathers."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[tuple[Sequence[Any], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def note(self, values: Sequence[Any]) -> None:
        """Return once a look is written down; values: arrays of one element each."""
        noted = asyncio.get_running_loop().create_future()
        self._waiting.append((values, noted))
        self._writing = self._writing or asyncio.create_task(self._write())
        await noted

    async def _write(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            arrays = zip(*(values for values, _ in group), strict=True)
            columns = [list(chain.from_iterable(parts)) for parts in arrays]
            async with self._pool.acquire() as connection:
                await connection.fetch(_LOOKS, *columns)
            for _, noted in group:
                noted.set_result(None)
        self._writing = None


class Bare:
    """Serve the two requests by the statements given."""

    def __init__(self, pool: Pool, add: Iterable[Statement], show: Iterable[Statement]) -> None:
        self._pool = pool
        self._looks = Looks(pool)
        self._add = list(add)
        self._show = list(show)
        self._read = msgspec.json.Decoder(PersonBody).decode

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route(PEOPLE, self.add_person, methods=["POST"]),
                Route(f"{PEOPLE}/{{user_id:uuid}}", self.show_person),
            ]
        )

    async def add_person(self, request: Request) -> Response:
        """Add a person."""
        body = self._read(await request.body())
        known = {name: getattr(body, name) for name in PersonBody.__struct_fields__}
        found = await self._run(self._add, known)
        return _reply(found, HTTPStatus.CREATED)

    async def show_person(self, request: Request) -> Response:
        """Show a person."""
        found = await self._run(self._show, {"id": request.path_params["user_id"]})
        return _reply(found, HTTPStatus.OK)

    async def _run(self, statements: Iterable[Statement], known: dict[str, object]) -> Any:
        """Run the statements on one connection; return the person that one of them found.

        Looks are written down at the end, together with those of other requests.
        """
        person: Any = None
        looks: list[Sequence[Any]] = []
        async with self._pool.acquire() as connection:
            for statement in statements:
                if statement.query == _LOOKS:
                    looks.append([make(known) for make in statement.values])
                    continue
                if not statement.values:
                    await connection.execute(statement.query)
                    continue
                values = [make(known) for make in statement.values]
                rows = await connection.fetch(statement.query, *values)
                if person is None and rows and "email" in rows[0]:
                    person = rows[0]
                    known["id"] = person["id"]
        for look in looks:
            await self._looks.note(look)
        return person


def _reply(person: Any, status: HTTPStatus) -> Response:
    if person is None:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    return Response(msgspec.json.encode(dict(person)), status_code=status, media_type=_JSON)


async def serve(url: str, headers: Mapping[str, str]) -> None:
    """Listen to Heyday, then serve until the process is ended."""
    add, show = await listen(url, headers)
    config = PoolConfig(url)
    pool = await asyncpg.create_pool(
        url,
        min_size=config.min_size,
        max_size=config.max_size,
        statement_cache_size=config.statement_cache,
        reset=_keep_state,
        server_settings={"timezone": "UTC", **config.session_settings},
    )
    app = Bare(pool, add, show).app()
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        numbers = count(1)
        for name, statements in (("POST", add), ("GET", show)):
            for each in statements:
                sys.stderr.write(f"{next(numbers)} {name}: {' '.join(each.query.split())[:120]}\n")
        print(listener.getsockname()[1], flush=True)
        await server.serve(sockets=[listener])
    await pool.close()


async def _keep_state(_connection: object) -> None:
    """Spare the reset query, as Heyday does."""


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--url", required=True, help="of the database")
    parser.add_argument("--key", default="", help="of Heyday's API")
    options = parser.parse_args()
    configure_logging("warning", as_json=False)  # what Heyday says while it is listened to
    headers = {"Authorization": f"Bearer {options.key}"} if options.key else {}
    uvloop.run(serve(options.url, headers))


if __name__ == "__main__":
    main()
