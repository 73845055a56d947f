"""Plan one window in a process of its own, whose memory is then its own; print the figures."""

import argparse
import asyncio
import json
import os
import time
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory

from benchmarks.processes import peak_mib
from heyday.bootstrap import open_app
from heyday.domain.timezone import Window
from heyday.settings import Settings


async def plan(url: str, window: Window) -> dict[str, float]:
    """Plan a window as the daily scheduler does; return rows, seconds and peak memory in MiB."""
    async with open_app(Settings(DATABASE_URL=url)) as app:
        began = time.perf_counter()
        rows = await app.planner.plan_window(app.database, window, window.start_at)
        seconds = time.perf_counter() - began
    # Not ru_maxrss: that of whoever started this counts in there.
    memory = peak_mib(os.getpid())
    return {"rows": rows, "seconds": seconds, "memory_mib": memory}


def main() -> None:
    """Do what benchmarks/plan.py asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="of a migrated database")
    parser.add_argument("start", type=datetime.fromisoformat, help="of the window")
    parser.add_argument("days", type=int, help="how long it is")
    options = parser.parse_args()
    start_at = options.start.astimezone(UTC)
    with TemporaryDirectory() as empty:
        os.chdir(empty)  # no .env is there
        figures = asyncio.run(
            plan(options.url, Window(start_at, start_at + timedelta(days=options.days)))
        )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
