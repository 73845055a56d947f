"""Take the guards away one by one, and demand that a test fails for each.

Works on copies of the checkout. Prints a line a guard, and a table at the end; the status is 1 if
a guard could go without a test failing, or if tests fail with all guards in place.
"""

import argparse
import os
import queue
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.mutation.ground import ROOT, Copy, Verdict, open_ground
from tests.mutation.guards import GUARDS, Guard


def _main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options.add_argument(
        "--list", action="store_true", help="show the guards and what they are for"
    )
    options.add_argument("guards", nargs="*", help="only those whose name begins so")
    given = options.parse_args()
    names = tuple(given.guards)
    guards = [guard for guard in GUARDS if not names or guard.name.startswith(names)]
    if given.list:
        for guard in guards:
            _say(f"{guard.name:32} {guard.purpose}")
        return 0
    for guard in guards:
        guard.remove_from(ROOT)
    return _try_all(guards, given.jobs)


def _try_all(guards: Sequence[Guard], jobs: int) -> int:
    began = time.perf_counter()
    with open_ground() as ground:
        copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for number in range(jobs):
            copies.put(ground.copy(f"copy-{number}"))

        def attempt(guard: Guard | None) -> Verdict:
            copy = copies.get()
            try:
                return _run_without(copy, guard) if guard else _run_all(copy, guards)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(jobs) as pool:
            intact = pool.submit(attempt, None)
            verdicts = [pool.submit(attempt, guard) for guard in guards]
            missed = 0 if _is_intact(intact.result()) else 1
            for guard, verdict in zip(guards, verdicts, strict=True):
                missed += not _tell(guard, verdict.result())
    _say(f"\n{len(guards)} guards, {missed} missed, {time.perf_counter() - began:.0f} s")
    return 1 if missed else 0


def _run_without(copy: Copy, guard: Guard) -> Verdict:
    with copy.changed(guard.file, guard.remove_from(copy.root)):
        return copy.run(guard.tests)


def _run_all(copy: Copy, guards: Sequence[Guard]) -> Verdict:
    tests = dict.fromkeys(test for guard in guards for test in guard.tests)
    return copy.run(list(tests), is_to_stop=False)


def _is_intact(verdict: Verdict) -> bool:
    is_intact = not verdict.failed and not verdict.trouble
    fault = verdict.failed or verdict.trouble
    end = f"{verdict.passed} tests pass" if is_intact else f"FAILED: {fault}"
    _say(f"{'all guards in place':32} {verdict.seconds:5.1f} s  {end}")
    return is_intact


def _tell(guard: Guard, verdict: Verdict) -> bool:
    """Print what came of it; tell whether it was noticed."""
    end = verdict.failed or f"MISSED: {verdict.trouble or 'no test failed'}"
    _say(f"{guard.name:32} {verdict.seconds:5.1f} s  {end.rpartition('::')[2]}")
    return verdict.failed is not None


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what this program is for


if __name__ == "__main__":
    sys.exit(_main())
