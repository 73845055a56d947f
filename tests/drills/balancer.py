"""Call the API as callers behind a load balancer do.

The balancer asks every instance for /health/ready ten times a second, and sends requests, by turns,
to those alone that said 200 last. One that is to be ended is taken out first and finishes what it
has: what a balancer's own command does, or Kubernetes when it takes a pod out of a service.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp

from tests.chaos.waiting import pause, wait_until

_LOOK_EVERY = 0.1


@dataclass(eq=False)
class Instance:
    """Hold one instance of the API.

    is_in: whether it may get requests, when it is ready.   in_flight: requests that it has.
    times_unready: how often it was not ready after it had been.
    """

    url: str
    is_in: bool = True
    is_ready: bool = False
    in_flight: int = 0
    times_unready: int = 0


@dataclass
class Balancer:
    """Spread requests over instances.

    errors: what went wrong, of which callers would have heard.   slowest: seconds of a request.
    """

    client: aiohttp.ClientSession
    key: str
    instances: list[Instance] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    slowest: float = 0.0
    _turns: "count[int]" = field(default_factory=count)

    async def take_in(self, url: str) -> Instance:
        """Take an instance in; return once it is ready."""
        self.instances.append(instance := Instance(url))
        await wait_until(lambda: _is_ready(instance), 60, f"readiness of {url}")
        return instance

    async def take_out(self, instance: Instance) -> None:
        """Send it nothing more; return once it has answered all that it had."""
        instance.is_in = False
        await wait_until(lambda: _is_idle(instance), 60, f"replies of {instance.url}")
        self.instances.remove(instance)

    async def watch(self) -> None:
        """Ask all of them, again and again."""
        while True:
            await asyncio.gather(*map(self._ask, self.instances))
            await pause(_LOOK_EVERY)

    async def call(self, method: str, path: str, **given: Any) -> Any:
        """Send a request to whose turn it is; return what it answers, None for an error."""
        ready = [each for each in self.instances if each.is_in and each.is_ready]
        self.requests[method] += 1
        if not ready:
            return self._note(f"{method}: no instance was ready")
        instance = ready[next(self._turns) % len(ready)]
        headers = {"Authorization": f"Bearer {self.key}"}
        began = asyncio.get_running_loop().time()
        instance.in_flight += 1
        try:
            url = instance.url + path
            async with self.client.request(method, url, headers=headers, **given) as reply:
                body = await reply.json()
                return body if reply.ok else self._note(f"{method}: {reply.status} {body}")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return self._note(f"{method}: {error!r}")
        finally:
            instance.in_flight -= 1
            took = asyncio.get_running_loop().time() - began
            self.slowest = max(self.slowest, took)

    def _note(self, error: str) -> None:
        self.errors.append(error)

    async def _ask(self, instance: Instance) -> None:
        was_ready = instance.is_ready
        try:
            async with self.client.get(f"{instance.url}/health/ready") as reply:
                instance.is_ready = reply.ok
        except (aiohttp.ClientError, TimeoutError):
            instance.is_ready = False
        instance.times_unready += was_ready and not instance.is_ready


async def _is_ready(instance: Instance) -> bool:
    return instance.is_ready


async def _is_idle(instance: Instance) -> bool:
    return instance.in_flight == 0


@contextlib.asynccontextmanager
async def open_balancer(key: str) -> AsyncIterator[Balancer]:
    """Lend a balancer without instances, which looks after those it is given."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client:
        balancer = Balancer(client, key)
        watching = asyncio.create_task(balancer.watch())
        try:
            yield balancer
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
