"""Enqueue greetings for an instant, with one of the peers; print what that took."""

import argparse
import importlib
import json
import resource
import sys
import time
from collections.abc import Sequence
from datetime import datetime


def main(arguments: Sequence[str] | None = None) -> None:
    """Enqueue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="the module that does it")
    parser.add_argument("greetings", type=int)
    parser.add_argument("due_at", type=datetime.fromisoformat)
    options = parser.parse_args(arguments)
    program = importlib.import_module(options.program)
    began = time.perf_counter()
    program.enqueue(options.greetings, options.due_at)
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    json.dump({"seconds": seconds, "cpu": used.ru_utime + used.ru_stime}, sys.stdout)


if __name__ == "__main__":
    main()
