"""Load the named queries of db/sql. Every statement of Heyday stands there, as SQL.

A statement that changes a status says from what to what, in a line such as
`-- moves: SCHEDULED RETRYING > QUEUED`. What the table of transitions does not hold is refused when
the file is read, and the condition on the present status, `status {movable}`, is made of that line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from heyday.domain.transitions import Status, check_move

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_MOVES = re.compile(r"^-- moves: (.+)$", re.MULTILINE)
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Query:
    """Hold one named statement.

    moves: the changes of status it makes, as (from, to).   places: names in braces that stand
    for identifiers and fragments of ours, never for values.
    """

    name: str
    text: str
    moves: tuple[tuple[str, str], ...]

    @property
    def places(self) -> frozenset[str]:
        """Return the names of the fragments that the statement asks for."""
        return frozenset(_PLACE.findall(self.text))

    def fill(self, fragments: Mapping[str, str]) -> str:
        """Return the statement with its places filled. Raises KeyError for a missing one."""
        return _PLACE.sub(lambda match: fragments[match.group(1)], self.text)


@cache
def load(table: str) -> Mapping[str, Query]:
    """Return the queries of db/sql/{table}.sql by name."""
    source = files("heyday.db").joinpath("sql", f"{table}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(source)[1:]
    return {
        name: _read(name, body.strip()) for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


def _read(name: str, body: str) -> Query:
    moves = _read_moves(body)
    sources = ", ".join(f"'{source}'" for source in dict.fromkeys(source for source, _ in moves))
    return Query(name, body.replace("{movable}", f"IN ({sources})"), moves)


def _read_moves(body: str) -> tuple[tuple[str, str], ...]:
    """Read lines such as `-- moves: SCHEDULED RETRYING > QUEUED`. Raises IllegalMove."""
    moves = []
    for line in _MOVES.findall(body):
        sources, targets = line.split(">")
        moves += [(source, target) for source in sources.split() for target in targets.split()]
    for source, target in moves:
        check_move(Status(source), Status(target))
    return tuple(moves)
