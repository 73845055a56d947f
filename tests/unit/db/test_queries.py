"""The loader of named queries."""

from pathlib import Path

import pytest

from heyday.db import queries
from heyday.db.queries import Query
from heyday.domain.errors import IllegalMove


def test_a_query_is_found_by_its_name_with_its_comment() -> None:
    find = queries.load("users")["find"]
    assert find.name == "find"
    assert find.text.startswith("-- One person.\nSELECT")
    assert find.text.endswith("WHERE id = $1 AND deleted_at IS NULL")


def test_a_file_is_read_once() -> None:
    assert queries.load("users") is queries.load("users")


def test_a_table_without_queries_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        queries.load("nothing")


def test_moves_are_every_source_to_every_target() -> None:
    assert queries.load("message_logs")["enqueue_due"].moves == (
        ("SCHEDULED", "QUEUED"),
        ("RETRYING", "QUEUED"),
    )
    assert queries.load("users")["find"].moves == ()


def test_a_statement_moves_only_what_the_line_of_its_moves_names() -> None:
    assert "status IN ('SCHEDULED', 'RETRYING')" in queries.load("message_logs")["enqueue_due"].text


def test_a_move_that_the_table_does_not_hold_is_refused_when_the_file_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "wrong.sql").write_text(
        "-- name: revive\n-- Send it once more.\n-- moves: SENT > QUEUED\nSELECT 1\n", "utf-8"
    )
    monkeypatch.setattr(queries, "files", lambda _: tmp_path)
    with pytest.raises(IllegalMove, match="cannot go from SENT to QUEUED"):
        queries.load("wrong")


def test_places_are_filled_and_a_missing_one_is_an_error() -> None:
    query = Query("q", "SELECT {columns} FROM t WHERE {date} = $1", ())
    assert query.places == {"columns", "date"}
    assert query.fill({"columns": "a", "date": "b", "spare": "c"}) == "SELECT a FROM t WHERE b = $1"
    with pytest.raises(KeyError, match="date"):
        query.fill({"columns": "a"})


def test_a_fragment_with_braces_is_not_filled_in_turn() -> None:
    query = Query("q", "SELECT {a}, {b}", ())
    assert query.fill({"a": "'{b}'", "b": "2"}) == "SELECT '{b}', 2"
