"""The commands of the program, each as it is once it was called for."""

from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup

from heyday.cli.app import app
from heyday.cli.late import LateCommand


def loaded(command: Any) -> Any:
    """Return the command that one in the list stands for."""
    return command.load() if isinstance(command, LateCommand) else command


def whole_program() -> Iterator[tuple[str, Any]]:
    """Yield every command and group under its full name, the program itself first."""
    yield from _within("heyday", typer.main.get_command(app))


def _within(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    if isinstance(command, TyperGroup):
        for word, each in command.commands.items():
            yield from _within(f"{name} {word}", loaded(each))


def check_words(words: list[str], *, is_whole: bool) -> None:
    """Fail unless these are arguments of the program. is_whole: nothing required is left out."""
    command: Any = typer.main.get_command(app)
    left = list(words)
    while isinstance(command, TyperGroup) and left and left[0] in command.commands:
        command = loaded(command.commands[left.pop(0)])
    options = {option for param in command.params for option in param.opts} | {"--help"}
    strange = {word for word in left if word.startswith("-")} - options
    assert not strange, f"{command.name} has no such option: {strange}"
    if isinstance(command, TyperGroup):
        unknown = [word for word in left if word not in options]
        assert not unknown, f"{command.name} has no such command: {unknown}"
    elif is_whole:
        # Parses everything, and runs nothing.
        command.make_context("heyday", left)
