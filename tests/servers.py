"""Rule for servers that are not ours: without one its tests are skipped, and under CI they fail."""

import os
from typing import NoReturn

import pytest

_SIGN = "not installed here: "


def missing(what: str, how: str) -> NoReturn:
    """Skip the test, as the server it needs is not there. Where CI is "true", fail it.

    what: the server's name.   how: what installs it.
    """
    reason = f"{_SIGN}{what} ({how})"
    if os.environ.get("CI") == "true":  # noqa: TID251 - chooses how strict the run is
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line at the end which servers the run had to do without."""
    reports = terminalreporter.stats.get("skipped", [])
    # Each with where it was, its line, and why.
    reasons = [report.longrepr[2] for report in reports]
    if servers := sorted({reason.partition(_SIGN)[2] for reason in reasons if _SIGN in reason}):
        terminalreporter.write_line("Not tested, as not installed here: " + "; ".join(servers))
