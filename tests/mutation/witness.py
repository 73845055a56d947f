"""A pytest plugin: prove that the copy is what is tested, and tell which test failed how."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

import heyday

MARK = "witness: "


class Witness:
    """Note the first failure, and how many tests passed."""

    def __init__(self) -> None:
        self.failed: str | None = None
        self.when: str | None = None
        self.passed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.failed is None:
            self.failed, self.when = report.nodeid, report.when
        self.passed += report.passed and report.when == "call"

    @pytest.hookimpl(wrapper=True)
    def pytest_unconfigure(self) -> Generator[None]:
        yield
        document = {"failed": self.failed, "when": self.when, "passed": self.passed}
        print(f"\n{MARK}{json.dumps(document)}")  # noqa: T201 - the answer to who started this run


def pytest_configure(config: pytest.Config) -> None:
    found = Path(heyday.__file__).resolve()
    if config.rootpath.resolve() not in found.parents:
        raise pytest.UsageError(f"heyday is imported from {found}, not from {config.rootpath}")
    config.pluginmanager.register(Witness())
