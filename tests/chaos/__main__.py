"""Break everything around Heyday, again and again, and check what it promises: `make chaos`.

Real processes, a real PostgreSQL (and RabbitMQ, where that is the transport), a provider with
faults; each fault once with a provider that honours keys and once with one that does not. The same
seed chooses the same moments, as far as a machine repeats itself.
"""

import argparse
import asyncio
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks import machine
from tests.chaos import clock
from tests.chaos.catalogue import FAULTS
from tests.chaos.fault import Fault
from tests.chaos.ground import NoFaketime, find_faketime
from tests.chaos.report import KIND, RABBITMQ, TRANSPORTS, Run, publish, show
from tests.chaos.runner import Runner, log_to
from tests.chaos.scenario import Result
from tests.rabbitmq import is_installed

_KEYS = {"honoured": (True,), "ignored": (False,), "both": (True, False)}


def parse() -> argparse.Namespace:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--only", nargs="+", choices=names, help="these faults alone")
    how_often = parser.add_mutually_exclusive_group()
    how_often.add_argument("--times", type=int, help="how often each, in all")
    how_often.add_argument("--short", action="store_true", help="a few of each, in 5 minutes")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--keys", choices=_KEYS, default="both", help="kind of provider")
    parser.add_argument("--transport", choices=TRANSPORTS, default=TRANSPORTS[0])
    parser.add_argument("--publish", action="store_true", help="write the results into docs/")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> list[Fault]:
    """Return the faults that are asked for."""
    return [
        fault
        for fault in FAULTS
        if (not options.only or fault.name in options.only)
        and (not fault.is_of_broker or options.transport == RABBITMQ)
    ]


async def run(
    options: argparse.Namespace,
    folder: Path,
    console: Console,
    tell: Callable[[list[Result]], None],
) -> list[Result]:
    """Go through the faults; return what came of each. tell: is given all results after each."""
    results: list[Result] = []
    kinds = _KEYS[options.keys]
    if me := asyncio.current_task():
        # Whoever ends this run leaves no server behind.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    async with AsyncExitStack() as stack:
        runner = Runner(folder, options.seed, stack, has_broker=options.transport == RABBITMQ)
        progress = stack.enter_context(Progress(console=console, transient=True))
        for fault in chosen(options):
            for number, honours_keys in enumerate(kinds):
                wanted = options.times or (fault.short if options.short else fault.times)
                # What does not divide goes to the first.
                times = wanted // len(kinds) + (number < wanted % len(kinds))
                if times:
                    name = f"{fault.name}, keys {KIND[honours_keys]}"
                    task = progress.add_task(name, total=times)
                    advance = partial(progress.advance, task)
                    result = await runner.run(fault, times, advance, honours_keys=honours_keys)
                    results.append(result)
                    progress.remove_task(task)
                    _tell(result, console)
            tell(results)
    return results


def _tell(result: Result, console: Console) -> None:
    found = result.findings
    broken = {name: len(keys) for name, keys in found.broken.items()}
    console.print(
        f"{result.fault.title}, {result.times:,} times, keys {KIND[result.honours_keys]}: "
        f"{found.messages:,} messages, {found.requests:,} requests, "
        f"{found.held} UNKNOWN, {found.extra} twice, {found.ambiguous} ambiguous, "
        f"{result.seconds:.0f} s; "
        + (f"[red]BROKEN {broken}" if broken else "[green]kept")
        + (f" {dict(result.notes)}" if result.notes else "")
    )


def main() -> int:
    """Run, show, and say by the exit status whether every promise was kept."""
    options = parse()
    console = Console(soft_wrap=True, highlight=False)
    try:
        if any(fault.setup.is_faked for fault in chosen(options)):
            find_faketime()
    except NoFaketime as missing:
        console.print(f"[red]{missing}")
        return 2
    if options.transport == RABBITMQ and not is_installed():
        console.print("[red]RabbitMQ is not installed: apt install rabbitmq-server")
        return 2
    console.print(f"seed {options.seed}")
    folder = Path(tempfile.mkdtemp(prefix="heyday-chaos-"))
    folder.chmod(0o711)  # PostgreSQL may run as another account
    facts = machine.describe(folder)
    began_on = f"{clock.now():%Y-%m-%d}"
    os.chdir(folder)  # no .env is there
    log_to(folder / "runner.log")

    def tell(results: list[Result]) -> None:
        if options.publish:
            publish(Run(options.seed, began_on, facts, results, options.transport))

    results = asyncio.run(run(options, folder, console, tell))
    show(Run(options.seed, began_on, facts, results, options.transport), console)
    if all(result.findings.is_kept for result in results):
        shutil.rmtree(folder)
        return 0
    for ground in folder.glob("ground-*"):
        shutil.rmtree(ground)
    console.print(f"[red]A promise was broken. What shows it is in {folder}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
