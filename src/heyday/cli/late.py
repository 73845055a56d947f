"""Import a command when it is asked for: `--help` and the completion of a shell wait for none.

What Heyday works with takes most of a second to import; to say what commands there are takes none
of it. So each is listed by its name and one sentence until somebody asks for it.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand


class LateCommand(TyperCommand):
    """Stand for a command, or a group of them, in the list of all until it is called.

    place: its module and what it is called there, as in "database:app".
    """

    def __init__(self, name: str, place: str, sentence: str, example: str | None = None) -> None:
        super().__init__(name, help=sentence)
        self.called = name
        self.place = place
        self.example = example

    def load(self) -> Any:
        """Import the command itself."""
        module, _, attribute = self.place.partition(":")
        found = getattr(import_module(f"heyday.cli.{module}"), attribute)
        house = typer.Typer(rich_markup_mode=None, add_completion=False)
        if isinstance(found, typer.Typer):
            house.add_typer(found, name=self.called)
        else:
            house.callback()(lambda: None)
            house.command(self.called, epilog=self.example and f"Example: {self.example}")(found)
        return typer.main.get_group(house).commands[self.called]

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: Any = None,
        **extra: Any,
    ) -> Any:
        """Let the command itself read what it is given, and take over from here."""
        return self.load().make_context(info_name, args, parent, **extra)
