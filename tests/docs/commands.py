"""Take the shell blocks of a page apart into commands."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tests.docs.pages import Page


@dataclass(frozen=True, slots=True)
class Command:
    """Hold one command as the shell would read it: variables set for it, program, arguments."""

    line: str
    settings: tuple[str, ...]
    program: str
    arguments: tuple[str, ...]


def read_command(line: str) -> Command:
    """Take one command apart. `export NAME=value` is a command that sets a variable."""
    words = shlex.split(line.replace("\\\n", " "))
    if words[0] == "export":
        return Command(line, tuple(w.partition("=")[0] for w in words[1:]), "export", ())
    start = next(i for i, word in enumerate(words) if "=" not in word)
    names = tuple(word.partition("=")[0] for word in words[:start])
    return Command(line, names, words[start], tuple(words[start + 1 :]))


def commands(page: Page) -> Iterator[Command]:
    """Yield the commands of a page; one may go on over lines in quotes or after a backslash."""
    for block in page.blocks("sh"):
        line = ""
        for part in block.splitlines():
            line += part
            if part.endswith("\\") or _is_open(line):
                line += "\n"
                continue
            if line.strip():
                yield read_command(line)
            line = ""


def _is_open(line: str) -> bool:
    try:
        shlex.split(line)
    except ValueError:
        return True
    return False
