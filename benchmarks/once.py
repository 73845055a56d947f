"""Plan one window in a process of its own, so that its memory is its own, and print the figures."""

import argparse
import asyncio
import json
import os
import resource
import time
from datetime import datetime, timedelta
from tempfile import TemporaryDirectory

from heyday.bootstrap import open_app
from heyday.settings import Settings


async def plan(url: str, at: datetime, horizon: timedelta) -> dict[str, float]:
    """Run the daily job as if at a moment; return rows, seconds and peak memory in MiB."""
    settings = Settings(DATABASE_URL=url, HEYDAY_PLAN_HORIZON=horizon)
    async with open_app(settings) as app:
        began = time.perf_counter()
        counts = await app.daily.run_once(at)
        seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": counts["planned"], "seconds": seconds, "memory_mib": memory}


def main() -> None:
    """Read the command line of benchmarks/plan.py, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("at", type=datetime.fromisoformat)
    parser.add_argument("days", type=int)
    options = parser.parse_args()
    with TemporaryDirectory() as empty:
        os.chdir(empty)  # where no .env is
        figures = asyncio.run(plan(options.url, options.at, timedelta(days=options.days)))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
