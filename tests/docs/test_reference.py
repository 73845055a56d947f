"""The tables of the pages say what the code says, in both directions."""

import ast
import importlib
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from prometheus_client import Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase
from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint

from heyday.db import queries
from heyday.db.schema import metadata
from heyday.domain.delivery import OutcomeKind
from heyday.domain.transitions import LEGAL_MOVES
from heyday.settings import Settings
from heyday.telemetry import Metrics
from tests.docs.pages import ROOT, code, page

SRC = ROOT / "src" / "heyday"
ADRS = sorted((ROOT / "docs" / "adr").glob("*.md"))
LEVELS = {"debug", "info", "warning", "error"}
# What the end of a metric's name says of its unit, the longest end first.
ENDINGS = {"_timestamp_seconds": "Unix time", "_seconds": "seconds", "_info": "1"}
UNITS = {"ms": timedelta(milliseconds=1), "s": timedelta(seconds=1), "min": timedelta(minutes=1)}


# --- docs/setup.md ---------------------------------------------------------------------------


def test_every_setting_stands_in_setup_with_its_default_and_meaning() -> None:
    example = (ROOT / ".env.example").read_text("utf-8")
    defaults = dict(re.findall(r"^#([A-Z_]+)=(.*)$", example, re.MULTILINE))
    expected = tuple(
        (f"`{field.alias}`", f"`{d}`" if (d := defaults[field.alias or ""]) else "", meaning)
        for field in Settings.model_fields.values()
        if (meaning := field.description)
    )
    (table,) = page("docs/setup.md").tables("setting", "default", "meaning")
    assert table.rows == expected


# --- docs/database.md ------------------------------------------------------------------------


def documented(kind: str) -> dict[str, list[str]]:
    """Return the names in the tables of columns, or of indexes, by table of the database."""
    found = page("docs/database.md").tables(kind, {"column": "what", "index": "for"}[kind])
    assert all(row[1] for table in found for row in table.rows), "each needs a line"
    return {table.heading: [code(row[0])[0] for row in table.rows] for table in found}


def indexes(table: Table) -> set[str]:
    """Return the names of all indexes: declared ones, and those behind constraints."""
    keys = (c for c in table.constraints if isinstance(c, PrimaryKeyConstraint | UniqueConstraint))
    return {str(index.name) for index in table.indexes} | {str(key.name) for key in keys}


def test_every_column_has_its_line() -> None:
    schema = {name: [c.name for c in table.columns] for name, table in metadata.tables.items()}
    assert {name: sorted(columns) for name, columns in documented("column").items()} == {
        name: sorted(columns) for name, columns in schema.items()
    }


def test_every_index_has_its_line() -> None:
    found = {name: set(names) for name, names in documented("index").items()}
    assert found == {name: indexes(table) for name, table in metadata.tables.items()}


# --- docs/telemetry.md -----------------------------------------------------------------------


def declared() -> list[MetricWrapperBase]:
    """Return every metric that a process has."""
    return [each for each in vars(Metrics()).values() if isinstance(each, MetricWrapperBase)]


def catalogue() -> list[tuple[str, ...]]:
    """Return the lines of all tables of metrics."""
    columns = "metric", "kind", "unit", "labels", "what", "what to do"
    return [row for table in page("docs/telemetry.md").tables(*columns) for row in table.rows]


def test_every_metric_has_its_line() -> None:
    emitted = sorted(
        (
            metric._name + ("" if isinstance(metric, Gauge | Histogram) else "_total"),  # noqa: SLF001 - no public way
            metric._type,  # noqa: SLF001
            metric._labelnames,  # noqa: SLF001
            metric._documentation,  # noqa: SLF001
        )
        for metric in declared()
    )
    listed = [
        (code(m)[0], kind, tuple(code(labels)), w) for m, kind, _, labels, w, _ in catalogue()
    ]
    assert sorted(listed) == emitted


def test_no_metric_is_left_out_of_what_is_declared() -> None:
    collected = {family.name for family in Metrics().registry.collect()}
    ours = {metric._name for metric in declared()}  # noqa: SLF001
    assert {name for name in collected if name.startswith("heyday_")} == ours


def test_every_metric_says_its_unit_and_what_to_do() -> None:
    for metric, _, unit, _, _, todo in catalogue():
        name = code(metric)[0].removesuffix("_total")
        said = [unit_of for ending, unit_of in ENDINGS.items() if name.endswith(ending)]
        assert unit == (said[0] if said else unit) != "", metric
        assert todo.endswith("."), metric


def test_every_label_has_its_line() -> None:
    (table,) = page("docs/telemetry.md").tables("label", "is")
    labels = {label for metric in declared() for label in metric._labelnames}  # noqa: SLF001
    assert sorted(code(row[0])[0] for row in table.rows) == sorted(labels)
    assert all(row[1] for row in table.rows)


def log_events(source: str) -> Iterator[str]:
    """Yield the events that a module logs: log.info("event"), or through `write`, its alias."""
    logs = {"write", *(f"log.{level}" for level in LEVELS)}
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=function, args=[ast.Constant(value=event), *_]) if (
                ast.unparse(function) in logs
            ):
                yield str(event)


def test_every_log_event_has_its_line() -> None:
    logged = {event for path in SRC.rglob("*.py") for event in log_events(path.read_text("utf-8"))}
    (table,) = page("docs/telemetry.md").tables("event", "level", "keys", "means")
    assert {code(row[0])[0] for row in table.rows} == logged
    assert {row[1] for row in table.rows} <= LEVELS


def test_the_measure_sees_log_events() -> None:
    assert list(log_events('log.info("a", b=1)\nwrite("c")\nlog.bind("d")\nx.info("e")')) == [
        "a",
        "c",
    ]


def notes_of_spans(source: str) -> set[str]:
    """Return the attributes that a module notes of spans, if it follows anything."""
    if "heyday.telemetry.traces" not in source:
        return set()
    nodes = list(ast.walk(ast.parse(source)))
    keys = [key for node in nodes if isinstance(node, ast.Dict) for key in node.keys if key]
    keys += [node.key for node in nodes if isinstance(node, ast.DictComp)]
    names = {re.sub(r"\{\w+\}", "*", ast.unparse(key).lstrip("f").strip("'")) for key in keys}
    return {name for name in names if re.fullmatch(r"[a-z]+(\.[a-z_]+)+(\.\*)?", name)}


def test_every_attribute_of_a_span_has_its_line() -> None:
    noted = set.union(*(notes_of_spans(path.read_text("utf-8")) for path in SRC.rglob("*.py")))
    (table,) = page("docs/telemetry.md").tables("attribute", "of", "is")
    listed = [name for row in table.rows for name in code(row[0])]
    assert sorted(listed) == sorted(noted)
    assert all(row[1] and row[2] for row in table.rows)


def test_the_measure_sees_attributes() -> None:
    source = 'import heyday.telemetry.traces\nx = {"db.system": 1, "plain": 2}\n'
    source += 'y = {f"heyday.job.{what}": rows for what in z if what == "a.b"}'
    assert notes_of_spans(source) == {"db.system", "heyday.job.*"}
    assert notes_of_spans('{"db.system": 1}') == set()


# --- docs/architecture.md --------------------------------------------------------------------


def moves_of_statements() -> dict[tuple[str, str], set[str]]:
    """Return the statements that make each move, as their `-- moves:` lines name them."""
    found = defaultdict(set)
    for table in ("plans", "message_logs", "resolutions", "privacy", "events"):
        for query in queries.load(table).values():
            for move in query.moves:
                found[move].add(query.name)
    return found


def test_the_table_of_states_lists_every_legal_move_and_who_makes_it() -> None:
    (table,) = page("docs/architecture.md").tables("from", "to", "by", "when")
    legal = {(str(s), str(t)) for s, targets in LEGAL_MOVES.items() for t in targets}
    rows = [(source, target) for source, target, _, _ in table.rows]
    assert sorted(rows) == sorted(legal)
    made = moves_of_statements()
    assert {(s, t): set(code(by)) for s, t, by, _ in table.rows if code(by)} == dict(made)


def test_the_final_states_are_named() -> None:
    final = sorted(status for status, targets in LEGAL_MOVES.items() if not targets)
    assert final == ["SENT", "SKIPPED"]
    assert "SENT and SKIPPED are final." in page("docs/architecture.md").text


def test_every_part_of_the_package_has_its_place_on_a_floor() -> None:
    (table,) = page("docs/architecture.md").tables("floor", "folder", "holds")
    named = {code(row[1])[0] for row in table.rows}
    parts = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in SRC.iterdir()
        if (path.is_dir() or path.suffix == ".py") and not path.name.startswith("__")
    }
    assert parts == {name for name in named if name.count("/") < 2}


def floors() -> list[set[str]]:
    """Return the floors that import-linter holds, from above; those not built yet left out."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    layers = tools["importlinter"]["contracts"][0]["layers"]
    return [{part for part in layer.split(" | ") if part[0] != "("} for layer in layers]


def test_the_floors_are_those_that_are_checked() -> None:
    (table,) = page("docs/architecture.md").tables("floor", "folder", "holds")
    drawn = defaultdict(set)
    for floor, folder, _ in table.rows:
        drawn[floor].add(code(folder)[0].split("/")[0].removesuffix(".py"))
    assert [drawn[floor] for floor in sorted(drawn)] == floors()


def quantity(text: str) -> timedelta | float:
    """Read a quantity such as "150 s", "2 min", "32" or "0.2"."""
    number, _, unit = text.partition(" ")
    return float(number) * UNITS[unit] if unit else float(number)


def test_the_limits_are_those_of_the_code() -> None:
    (table,) = page("docs/architecture.md").tables("what", "how much", "in the code")
    wrong = []
    for _, said, place in table.rows:
        module, owner, name = f"heyday.{code(place)[0]}".rsplit(".", 2)
        fields = getattr(importlib.import_module(module), owner).__dataclass_fields__
        if fields[name].default != quantity(said):
            wrong.append(f"{place}: {fields[name].default}, not {said}")
    assert wrong == []


# --- docs/adr --------------------------------------------------------------------------------


def test_every_library_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    tables = page("docs/adr/0001-libraries.md").tables("library", "for", "because")
    extras = project["optional-dependencies"].values()
    for table, wanted in zip(tables, [project["dependencies"], *extras], strict=True):
        named = sorted(code(row[0])[0] for row in table.rows)
        assert named == sorted(Requirement(text).name for text in wanted)
        assert all(row[2] for row in table.rows)


def test_every_outcome_is_decided() -> None:
    (table,) = page("docs/adr/0005-delivery.md").tables("outcome", "when", "then")
    assert [row[0] for row in table.rows] == [kind.value for kind in OutcomeKind]


@pytest.mark.parametrize("path", ADRS, ids=lambda p: p.stem)
def test_a_decision_has_its_parts(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith(f"# {int(path.stem[:4])}. ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert "\nStatus: " in text


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.stem[:4]) for path in ADRS] == list(range(1, len(ADRS) + 1))
