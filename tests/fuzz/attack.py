"""Send hostile requests to a running API, and hold every reply to what replies may hold."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import aiohttp

from tests.factories import person
from tests.fuzz.hostile import Hostile, exchange
from tests.fuzz.leaks import Leaks
from tests.fuzz.server import Api

_AT_ONCE = 16
_STATUS = re.compile(rb"^HTTP/1\.1 (\d{3})", re.MULTILINE)
_FAULTS = re.compile(r"request_failed|Traceback")
# The page /docs and its files are not made of anybody's data.
_FILES = re.compile(rb"^content-type: text/(?:javascript|css|html)", re.MULTILINE | re.IGNORECASE)


async def attack(api: Api, leaks: Leaks, seed: int, number: int) -> Counter[int]:
    """Send so many; return how often each status came. Fails on a fault, a leak, or a death."""
    statuses: Counter[int] = Counter()
    async with aiohttp.ClientSession(api.url, headers=api.headers) as client:
        document = await _json(client, "GET", "/openapi.json")
        added = await _json(client, "POST", "/api/v1/users", person())
        hostile = Hostile(seed, document, UUID(added["id"]), api.headers)
        requests = hostile.requests(number)
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(_send(api, leaks, requests, statuses))
        # It lives, and it still works.
        assert api.process.process.returncode is None
        assert await api.is_ready()
        await _json(client, "POST", "/api/v1/users", person(email="afterwards@example.com"))
    assert not _FAULTS.search(api.process.text), api.process.text[-6000:]
    return statuses


async def _send(api: Api, leaks: Leaks, requests: Iterator[bytes], seen: Counter[int]) -> None:
    for request in requests:
        reply = await exchange(api.port, request)
        found = [int(status) for status in _STATUS.findall(reply)]
        shown = f"{request[:1500]!r} got {reply[:1500]!r}"
        assert all(status < 500 for status in found), shown
        if not _FILES.search(reply):
            leak = leaks.find(reply)
            assert leak is None, f"{leak}: {shown}"
        # 0: hung up on without a word.
        seen.update(found or [0])


async def _json(
    client: aiohttp.ClientSession, method: str, path: str, body: object = None
) -> dict[str, str]:
    async with client.request(method, path, json=body) as reply:
        assert reply.status < 400, f"{method} {path}: {await reply.text()}"
        found: dict[str, str] = await reply.json(content_type=None)
        return found
