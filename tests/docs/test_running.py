"""The commands of the pages that come to an end do so well, as the shell runs them."""

import os
import shutil
import subprocess

import pytest

from tests.docs.commands import commands
from tests.docs.pages import ROOT, pages

HEYDAY = ".venv/bin/heyday"
# These stay until they are told to stop; the acceptance tests run them.
STAYING = {("up",), ("api",), ("scheduler",), ("worker",)}
# A person is meant to have five seconds for second thoughts; a test has none.
WAITS = {("db", "reset"), ("db", "drop-old-partitions", "12")}

LINES = list(
    dict.fromkeys(
        f"{command.line} --yes" if command.arguments in WAITS else command.line
        for page in pages()
        for command in commands(page)
        if command.program == HEYDAY and command.arguments not in STAYING
    )
)


def environment(database_url: str) -> dict[str, str]:
    """Return that of a person who has set DATABASE_URL and nothing else of Heyday's."""
    own = {
        name: value
        for name, value in os.environ.items()  # noqa: TID251 - what a shell would hand on
        if not name.startswith(("HEYDAY_", "EMAIL_SERVICE_URL", "SENDER", "SEND_TIME"))
    }
    return {**own, "DATABASE_URL": database_url}


@pytest.mark.parametrize("line", LINES)
def test_a_command_ends_well(database_url: str, line: str) -> None:
    if line.endswith("studio") and shutil.which("psql") is None:
        pytest.skip("no psql on this machine, which `heyday db studio` opens")
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=ROOT,
        env=environment(database_url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
