"""Load the named queries of db/sql. Every statement of Heyday stands there, as SQL.

A statement that changes a status says from what to what, in a line such as
`-- moves: SCHEDULED RETRYING > QUEUED`. What the table of transitions does not hold is refused when
the file is read, and the condition on the present status, `status {movable}`, is made of that line.
`-- learns:` stands for it where a ledger of sends says what became of a row (docs/adr/0053).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from heyday.domain.transitions import Status, check_learned, check_move

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_MOVES = re.compile(r"^-- (moves|learns): (.+)$", re.MULTILINE)
_CHECKS = {"moves": check_move, "learns": check_learned}
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Query:
    """Hold one named statement.

    moves: the changes of status it makes, as (from, to).   learned: those by a ledger.   places:
    names in braces that stand for identifiers and fragments of ours, never for values.
    """

    name: str
    text: str
    moves: tuple[tuple[str, str], ...]
    learned: tuple[tuple[str, str], ...] = ()

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
    moves, learned = _read_moves(body, "moves"), _read_moves(body, "learns")
    origins = dict.fromkeys(source for source, _ in (*moves, *learned))
    sources = ", ".join(f"'{source}'" for source in origins)
    return Query(name, body.replace("{movable}", f"IN ({sources})"), moves, learned)


def _read_moves(body: str, kind: str) -> tuple[tuple[str, str], ...]:
    """Read lines such as `-- moves: SCHEDULED RETRYING > QUEUED`. Raises IllegalMove."""
    moves = []
    for line in (line for found, line in _MOVES.findall(body) if found == kind):
        sources, targets = line.split(">")
        moves += [(source, target) for source in sources.split() for target in targets.split()]
    for source, target in moves:
        _CHECKS[kind](Status(source), Status(target))
    return tuple(moves)
