"""A command is imported when it is called, and is then what it always was."""

import sys

import pytest
from typer.core import TyperGroup
from typer.testing import CliRunner

from heyday.cli.app import app
from heyday.cli.late import LateCommand

JOBS = LateCommand("jobs", "jobs:app", "Run a scheduler's job by hand.")


def test_a_group_comes_with_its_commands() -> None:
    jobs = JOBS.load()
    assert isinstance(jobs, TyperGroup)
    assert list(jobs.commands) == ["run"]


def test_a_command_of_its_own_ends_its_help_with_the_example() -> None:
    loaded = LateCommand("again", "reports:reconcile", "Show.", "heyday again --json").load()
    assert (loaded.name, loaded.epilog) == ("again", "Example: heyday again --json")


def test_a_place_that_is_not_there_is_no_command() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"heyday\.cli\.nothing"):
        LateCommand("x", "nothing:x", "Do nothing.").load()


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["nonsense"], []])
def test_what_needs_no_command_loads_none(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: LateCommand) -> None:
        raise AssertionError(f"{self.called} was loaded")

    monkeypatch.setattr(LateCommand, "load", refuse)
    assert CliRunner().invoke(app, words).exit_code in {0, 2}
    with pytest.raises(AssertionError, match="jobs was loaded"):
        CliRunner().invoke(app, ["jobs", "--help"], catch_exceptions=False)


@pytest.mark.parametrize("typed", ["mess", "messages re", "messages resolve --no", "jobs run mi"])
def test_a_shell_completes_every_word(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {"mess": "messages", "re": "resolve", "--no": "--note", "mi": "minute"}
    monkeypatch.setattr(sys, "argv", ["heyday"])
    settings = {
        "_HEYDAY_COMPLETE": "complete_bash",
        "COMP_WORDS": f"heyday {typed}",
        "COMP_CWORD": str(len(typed.split())),
    }
    told = CliRunner().invoke(app, prog_name="heyday", env=settings).output
    assert told.split() == [expected[typed.rsplit(maxsplit=1)[-1]]]
