"""Let recovery look after all that is planned, again and again: `python -m benchmarks.recovery`.

The first two looks of a process are at everybody, the others at those who were written lately:
nobody, and then a few whom SQL has changed.
"""

import argparse
import asyncio
import time
from pathlib import Path

from benchmarks.ground import Place, open_ground
from benchmarks.instant import new_folder
from heyday.bootstrap import open_app
from heyday.settings import Settings
from tests.chaos import clock

LOOKS = ("the first", "the second", "the third", "the fourth", "after {edited:,} edits by SQL")
_EDIT = """
UPDATE users SET anniversary_date = anniversary_date - 1
WHERE id IN (SELECT id FROM users WHERE anniversary_date IS NOT NULL LIMIT $1)
"""


async def measure(people: int, later: int, edited: int, folder: Path) -> list[float]:
    """Return how long each look took, in seconds."""
    async with open_ground(folder) as ground:
        place = Place.at_noon(clock.now())
        await ground.bring(people, place, later)
        settings = {"DATABASE_URL": ground.url, "EMAIL_SERVICE_URL": "http://127.0.0.1:9"}
        if (planned := await ground.plan(settings)) != people + later:
            raise RuntimeError(f"{planned:,} greetings were planned, not {people + later:,}")
        await ground.settle()
        taken = []
        async with open_app(Settings(DATABASE_URL=ground.url)) as app:
            for name in LOOKS:
                if "edits" in name:
                    await ground.connection.execute(_EDIT, edited)
                began = time.perf_counter()
                counts = await app.recovery.run_once()
                taken.append(time.perf_counter() - began)
                print(
                    f"{name.format(edited=edited)}: {taken[-1]:.2f} s, {dict(counts)}", flush=True
                )
        return taken


def main() -> None:
    """Measure once, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=300_000, help="due today")
    parser.add_argument("--later", type=int, default=1_000_000, help="due tomorrow")
    parser.add_argument("--edited", type=int, default=1_000, help="of those whom SQL changes")
    options = parser.parse_args()
    with new_folder() as folder:
        asyncio.run(measure(options.people, options.later, options.edited, folder / "ground"))


if __name__ == "__main__":
    main()
