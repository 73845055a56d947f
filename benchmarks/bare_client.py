"""Post greetings with a client and nothing else, in a process of its own; print what it took.

What it does not do: wait for an instant, ask a database, judge an answer, remember one.
"""

import argparse
import asyncio
import contextlib
import json
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from uuid import uuid4

import aiohttp
import msgspec
import uvloop

from heyday.senders.connections import Connections
from heyday.senders.place import Place

_AT_ONCE = 64
_LARGEST_ANSWER = 65_536
_PATIENCE = 10.0
# Posts one letter, under a key.
Send = Callable[[Mapping[str, str], str], Awaitable[object]]


@contextlib.asynccontextmanager
async def by_aiohttp(url: str) -> AsyncIterator[Send]:
    """Lend aiohttp."""
    connector = aiohttp.TCPConnector(limit=_AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def send(letter: Mapping[str, str], key: str) -> None:
            headers = {"Idempotency-Key": key}
            async with session.post(f"{url}/send-email", json=letter, headers=headers) as answer:
                await answer.read()

        yield send


@contextlib.asynccontextmanager
async def by_heyday(url: str) -> AsyncIterator[Send]:
    """Lend the connections that Heyday sends over."""
    place, clock = Place(url), asyncio.get_running_loop().time
    connections = Connections(place, _LARGEST_ANSWER)

    async def send(letter: Mapping[str, str], key: str) -> None:
        request = place.request("send-email", msgspec.json.encode(letter), key)
        connection = connections.take() or await connections.open()
        await connection.ask(request, clock() + _PATIENCE)
        connections.give_back(connection)

    try:
        yield send
    finally:
        await connections.close()


CLIENTS = {"aiohttp": by_aiohttp, "heyday": by_heyday}


async def post(client: str, url: str, count: int) -> None:
    """Post so many, a few dozen at once."""
    left = iter(range(count))
    async with CLIENTS[client](url) as send:

        async def work() -> None:
            for number in left:
                letter = {"email": f"person-{number}@example.com", "message": f"Hey, Ada {number}"}
                await send(letter, f"{uuid4()}:BIRTHDAY:2027-01-14")

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(work())


def main() -> None:
    """Post, and print seconds and CPU seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("url")
    parser.add_argument("count", type=int)
    options = parser.parse_args()
    before, began = _cpu(), time.perf_counter()
    uvloop.run(post(options.client, options.url, options.count))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "cpu": _cpu() - before}))


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
