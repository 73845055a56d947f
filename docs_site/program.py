"""Show every command as its own --help does."""

from typer.testing import CliRunner

from heyday.cli.app import app
from tests.program import whole_program

_HEAD = """# Commands

What `--help` says of each: this page is made of the program itself. In a clone the program is
`.venv/bin/heyday`. It ends with 0 if all is well, with 1 if there is something to look at, and with
2 if it could not do its work, with one sentence that says why.
"""
# A command of a group stands below it.
_DEPTH = 2


def write_page() -> str:
    """Return the page of all commands, those of a group below it."""
    return "\n".join([_HEAD, *(_section(name) for name, _ in whole_program())])


def _section(name: str) -> str:
    words = name.split()[1:]
    asked = CliRunner().invoke(
        app, [*words, "--help"], prog_name="heyday", catch_exceptions=False, color=False
    )
    level = "##" if len(words) < _DEPTH else "###"
    return f"{level} {name}\n\n```text\n{asked.output.rstrip()}\n```\n"
