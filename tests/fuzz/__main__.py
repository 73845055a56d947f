"""Ask the API what nobody should, many thousand times: `make api-fuzz`.

First schemathesis, with all its checks, by the description; then requests that no client would
send, byte for byte. Exits with 1 for a fault, a reply that is not described, or a leak.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.attack import attack
from tests.fuzz.described import follow_links, hold_to_description
from tests.fuzz.leaks import Leaks
from tests.fuzz.server import running_api
from tests.postgres import database_at, migrated_server

LEAST_CASES = 10_000
LEAST_LINKS = 3


async def _run(url: str, folder: Path, given: argparse.Namespace) -> int:
    async with running_api(url, folder) as api:
        verdict = await hold_to_description(api, folder, seed=given.seed, examples=given.examples)
    _say(verdict.text)
    _say(f"schemathesis: {verdict.cases:,} cases, at least {given.least:,} wanted")
    if verdict.status or verdict.cases < given.least:
        return 1
    async with running_api(url, folder) as api:
        followed = await follow_links(
            api, folder, seed=given.seed, examples=given.examples, least=given.links
        )
    _say(followed.text)
    _say(f"links followed: {followed.links:,}, at least {given.links:,} wanted")
    if followed.status or followed.links < given.links:
        return 1
    async with running_api(url, folder) as api:
        statuses = await attack(api, Leaks(url), given.seed, given.requests)
    told = ", ".join(f"{status}: {n:,}" for status, n in sorted(statuses.items()))
    _say(f"hostile requests: {given.requests:,}, no fault and no leak; replies by status {told}")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run both; return the exit status."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=main.__doc__)
    options.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    options.add_argument("--examples", type=int, default=400, help="a phase and operation (400)")
    options.add_argument("--requests", type=int, default=10_000, help="hostile ones (10,000)")
    options.add_argument("--links", type=int, default=LEAST_LINKS, help="kinds that it follows")
    options.add_argument("--least", type=int, default=LEAST_CASES, help="cases of schemathesis")
    given = options.parse_args()
    _say(f"To run the same again: python -m tests.fuzz --seed {given.seed}")
    with migrated_server() as (url, template), tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(database_at(url, template), Path(folder), given))


if __name__ == "__main__":
    sys.exit(main())
