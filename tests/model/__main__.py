"""Run the state machine for longer, each time from another seed, or from one that was printed."""

import argparse
import random

from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Machine, runs


def _main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    options.add_argument("--examples", type=int, default=50_000)
    options.add_argument("--steps", type=int, default=200)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    given = options.parse_args()
    print(f"seed {given.seed}", flush=True)  # noqa: T201 - what repeats a failure
    run_state_machine_as_test(
        seed(given.seed)(Machine),
        settings=settings(runs(given.examples, given.steps), derandomize=False),
    )


if __name__ == "__main__":
    _main()
