"""What the programs share: who is greeted, where the servers are, how a letter is posted.

It imports what every one of their libraries brings, and nothing of Heyday's.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import aiohttp
import urllib3

_ENVIRONMENT = os.environ  # noqa: TID251 - their own command lines take no words of ours
PROVIDER = _ENVIRONMENT["PEERS_PROVIDER"]
# PostgreSQL's URL, or RabbitMQ's.
SERVER = _ENVIRONMENT["PEERS_SERVER"]
# No limit: a worker's own is lower.
_CONNECTIONS = 1_000
_PATH = "/send-email"
_OK = 200


class Greeting(NamedTuple):
    """Hold what a letter needs."""

    email: str
    message: str
    key: str


def greetings(first: int, end: int) -> Iterator[Greeting]:
    """Yield the greetings of some numbers."""
    for number in range(first, end):
        yield Greeting(
            f"person{number}@example.com",
            f"Hey, Person Number{number} it's your birthday",
            f"{number:08d}-0000-4000-8000-000000000000:BIRTHDAY:2027-01-14",
        )


class Posting:
    """Post letters over connections that are kept, and wait for each answer."""

    def __init__(self) -> None:
        self._url = PROVIDER + _PATH
        self._pool = urllib3.PoolManager(maxsize=_CONNECTIONS, retries=False)

    def post(self, email: str, message: str, key: str) -> None:
        """Post one. Raises RuntimeError if it was not accepted."""
        body = json.dumps({"email": email, "message": message}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        answer = self._pool.request("POST", self._url, body=body, headers=headers)
        if answer.status != _OK:
            raise RuntimeError(f"the provider answered {answer.status}, not {_OK}")


class AsyncPosting:
    """Post letters over connections that are kept, of one event loop."""

    def __init__(self) -> None:
        self._url = PROVIDER + _PATH
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
        self._session = aiohttp.ClientSession(connector=connector, raise_for_status=True)

    async def post(self, email: str, message: str, key: str) -> None:
        """Post one. Raises aiohttp.ClientError if it was not accepted."""
        letter = {"email": email, "message": message}
        headers = {"Idempotency-Key": key}
        async with self._session.post(self._url, json=letter, headers=headers) as answer:
            await answer.read()

    async def close(self) -> None:
        """Close its connections."""
        await self._session.close()


def until(due_at: datetime) -> timedelta:
    """Return how long it is until then."""
    return due_at - datetime.now(UTC)  # noqa: TID251 - the programs have no clock of Heyday's
