"""Post greetings with aiohttp and nothing else, in a process of its own; print what it took.

What it does not do: wait for an instant, ask a database, judge an answer, remember one.
"""

import argparse
import asyncio
import json
import resource
import time
from uuid import uuid4

import aiohttp
import uvloop

_AT_ONCE = 64


async def post(url: str, count: int) -> None:
    """Post so many, a few dozen at once."""
    connector = aiohttp.TCPConnector(limit=_AT_ONCE)
    left = iter(range(count))
    async with aiohttp.ClientSession(connector=connector) as session:

        async def work() -> None:
            for number in left:
                body = {"email": f"person-{number}@example.com", "message": f"Hey, Ada {number}"}
                headers = {"Idempotency-Key": f"{uuid4()}:BIRTHDAY:2027-01-14"}
                async with session.post(f"{url}/send-email", json=body, headers=headers) as answer:
                    await answer.read()

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(work())


def main() -> None:
    """Post, and print seconds and CPU seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("count", type=int)
    options = parser.parse_args()
    before, began = _cpu(), time.perf_counter()
    uvloop.run(post(options.url, options.count))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "cpu": _cpu() - before}))


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
