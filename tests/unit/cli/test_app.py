"""The program explains itself: each command, each option, at once, with lines to copy."""

import os
import resource
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.core import TyperGroup

from heyday import __version__
from heyday.cli.app import COMMANDS
from tests.program import check_words, loaded, whole_program

PROGRAM = dict(whole_program())
COMMAND_NAMES = [name for name, each in PROGRAM.items() if not isinstance(each, TyperGroup)]
# What takes long to import, and what only a command that runs has need of.
HEAVY = ("alembic", "aio_pika", "litestar", "sqlalchemy", "uvicorn", "uvloop", "heyday.bootstrap")
HEYDAY = str(Path(sys.executable).with_name("heyday"))
# Of processor time: how busy the machine is matters little to it.
LONGEST_WAIT = 0.5


@pytest.mark.parametrize("late", COMMANDS, ids=lambda late: late.called)
def test_the_list_says_what_a_command_says_of_itself(late: object) -> None:
    said = loaded(late).help.split("\n\n")[0].replace("\n", " ")
    assert said.startswith(getattr(late, "help", None) or "?")
    # A group's own help may go on where the list ends.
    assert said == getattr(late, "help", None) or isinstance(loaded(late), TyperGroup)


@pytest.mark.parametrize("name", PROGRAM)
def test_a_command_and_each_of_its_options_has_help(name: str) -> None:
    command = PROGRAM[name]
    assert command.help[-1] in ".!"
    silent = [param.name for param in command.params if not param.help]
    assert not silent, f"{name} --help says nothing of {silent}"
    unclear = [param.name for param in command.params if param.help[-1] not in ".!"]
    own = {"install_completion", "show_completion"}
    assert set(unclear) <= own, "help is made of sentences"


@pytest.mark.parametrize("name", COMMAND_NAMES)
def test_a_command_that_must_be_told_something_shows_how(name: str) -> None:
    command = PROGRAM[name]
    example = (command.epilog or "").removeprefix("Example: ")
    is_free = not any(param.required for param in command.params)
    assert example or is_free, f"{name} --help has no example"
    if example:
        words = [word for word in shlex.split(example) if "=" not in word or " " in word]
        assert " ".join(words).startswith(name)
        check_words(words[1:], is_whole=True)


def run(*words: str, **settings: str) -> tuple[str, float]:
    """Run a program of this Python; return what it prints and its processor time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*words],
        env={"PATH": os.defpath, **settings},
        check=True,
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, spent


def test_help_imports_nothing_of_what_a_command_works_with() -> None:
    look = (
        "import sys\n"
        "from heyday.cli.app import COMMANDS\n"
        "for command in COMMANDS: command.load()\n"
        "print(*sys.modules)\n"
    )
    there, _ = run(sys.executable, "-c", look)
    assert set(HEAVY) & set(there.split()) == set()
    assert "heyday.cli.serve" in there.split()


@pytest.mark.parametrize("words", [("--help",), ("up", "--help"), ("jobs", "--help")])
def test_help_is_there_at_once(words: tuple[str, ...]) -> None:
    said, spent = run(HEYDAY, *words)
    assert "Usage:" in said
    assert spent < LONGEST_WAIT


def test_it_says_its_version_which_stands_in_one_place() -> None:
    assert run(HEYDAY, "--version")[0] == f"heyday {__version__}\n"
    assert version("heyday") == __version__


def test_a_shell_completes_at_once() -> None:
    typed = {"_HEYDAY_COMPLETE": "complete_bash", "COMP_WORDS": "heyday mess", "COMP_CWORD": "1"}
    said, spent = run(HEYDAY, **typed)
    assert spent < LONGEST_WAIT
    assert said.split() == ["messages"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_told_how_to_complete(shell: str) -> None:
    # `--show-completion` would ask which shell this is run by, and tests need not be run by any.
    said, _ = run(HEYDAY, _HEYDAY_COMPLETE=f"source_{shell}")
    assert f"_HEYDAY_COMPLETE=complete_{shell}" in said
