"""Look for known holes in the packages of a lock file: `make audit`.

The databases of holes are elsewhere, on the network. Exit status: 1 if a package has a known hole;
0 if none has, and also where no database could be asked, which is then said: a machine without a
network is to pass its checks. With --strict that fails, too.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# Each knows what the other knows, by and large: one answer is enough.
SERVICES = ("pypi", "osv")
_PATIENCE = 240.0
_TOOL = (
    sys.executable,
    "-m",
    "pip_audit",
    "--disable-pip",
    "--no-deps",
    "--progress-spinner",
    "off",
)


@dataclass(frozen=True)
class Look:
    """Hold what one database said of the packages. fault: why it could not be asked, if so."""

    service: str
    looked_at: int = 0
    holes: Sequence[str] = ()
    fault: str = ""


def look(service: str, lock: str) -> Look:
    """Ask one database about the packages of a lock file."""
    words = [*_TOOL, "--format", "json", "--vulnerability-service", service, "--timeout", "15"]
    try:
        done = subprocess.run(
            [*words, "--requirement", lock],
            check=False,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return Look(service, fault=f"no answer in {_PATIENCE:.0f} s")
    return read(service, done.stdout, done.stderr)


def read(service: str, out: str, err: str) -> Look:
    """Read what pip-audit said."""
    try:
        found: Any = json.loads(out)
    except json.JSONDecodeError:
        last = [line for line in err.splitlines() if line.strip()][-1:] or ["it said nothing"]
        return Look(service, fault=last[0].strip()[-300:])
    packages = found["dependencies"]
    skipped = [each for each in packages if "skip_reason" in each]
    if len(skipped) == len(packages):
        return Look(service, fault="it knows none of the packages")
    return Look(
        service,
        looked_at=len(packages) - len(skipped),
        holes=[
            f"{each['name']} {each['version']}: {hole['id']}, fixed in "
            f"{', '.join(hole['fix_versions']) or 'no release yet'}"
            for each in packages
            for hole in each.get("vulns", [])
        ],
    )


def audit(
    lock: str, say: Callable[[str], object], ask: Callable[[str, str], Look], *, is_strict: bool
) -> int:
    """Ask one database after another until one answers; return the exit status."""
    for service in SERVICES:
        told = ask(service, lock)
        if told.fault:
            say(f"The database of {service} could not be asked: {told.fault}")
            continue
        for hole in told.holes:
            say(f"KNOWN HOLE  {hole}")
        say(f"{lock}: {len(told.holes)} known holes in {told.looked_at} packages ({service})")
        return 1 if told.holes else 0
    say(
        f"NOT LOOKED: whether {lock} has known holes is not known. Run `make audit` with a network."
    )
    return 1 if is_strict else 0


def main() -> int:
    """Audit one lock file."""
    options = argparse.ArgumentParser(prog="python -m tests.audit", description=main.__doc__)
    options.add_argument("lock")
    options.add_argument("--strict", action="store_true", help="fail where nobody could be asked")
    given = options.parse_args()
    return audit(
        given.lock, lambda text: sys.stdout.write(f"{text}\n"), look, is_strict=given.strict
    )


if __name__ == "__main__":
    sys.exit(main())
