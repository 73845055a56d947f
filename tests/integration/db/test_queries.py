"""Every named query prepares against the migrated schema, and moves only as the table allows."""

import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from uuid import UUID

import pytest

from heyday.db import (
    api_keys,
    calendar,
    events,
    forecasts,
    import_jobs,
    message_lists,
    message_logs,
    plans,
    profiles,
    queries,
    resolutions,
    restores,
    users,
)
from heyday.db.queries import Query
from heyday.db.types import AnyConnection
from heyday.domain.message_filters import MessageFilter
from heyday.domain.message_lists import Look, Order
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.resolutions import UNDONE_BY_EDITS
from heyday.domain.transitions import Status, is_legal

TABLES = sorted(p.name.removesuffix(".sql") for p in files("heyday.db").joinpath("sql").iterdir())
QUERIES = [(table, query) for table in TABLES for query in queries.load(table).values()]
# Fragments that stand inside of statements and are none themselves.
FRAGMENTS = {"everybody", "some_people", "zone_days", "timed_id", "unplanned", "worded", "years"}
FRAGMENTS |= {"names", "own", "offset", "id_begin"}
FRAGMENTS |= {"language", "subject", "text", "html", "escaped", "composed"}
# Several in one, which are not prepared but run.
FRAGMENTS |= {"make_room"}
FRAGMENTS |= {"word"}
FRAGMENTS |= {"of_zones"}
CONDITIONS = ["of_status", "of_type", "of_person", "of_doubt", "delivered_from", "delivered_to"]
CONDITIONS += ["of_zone", "of_sender", "of_lateness"]
FRAGMENTS |= {"through", "led_by_stage", "led_by_person"}
FRAGMENTS |= {*CONDITIONS, "begins", "fits", "is_doubtful", "twin", "greeted"}
STATEMENTS = [(table, query) for table, query in QUERIES if query.name not in FRAGMENTS]
SETS_STATUS = re.compile(
    r"UPDATE message_logs\b.*?\bSET\b(?:(?!\b(?:FROM|WHERE)\b)[^;])*?\bstatus = ", re.DOTALL
)

LOOKS = [
    Look(wanted, order)
    for order in Order
    for wanted in (
        MessageFilter(),
        MessageFilter(status=Status.FAILED),
        MessageFilter(user_id=UUID(int=1)),
    )
]


def looking(name: str) -> list[str]:
    """Return what looks through greetings, by each way."""
    if name.startswith("find_") and name != "find_end":
        return [queries.load("message_lists")[name].fill({})]
    conditions = [] if name == "find_end" else CONDITIONS
    return [message_lists.statement(name, look, conditions) for look in LOOKS]


# Those whose module fills their statements.
OWN: Mapping[str, Callable[[str], str | list[str]]] = {
    "message_lists": looking,
    "api_keys": api_keys.statement,
    "events": events.statement,
    "imports": import_jobs.statement,
    "profiles": profiles.statement,
    "resolutions": resolutions.statement,
    "restores": restores.statement,
}
# And those that fill them for each message type.
OF_TYPES = {"calendar": calendar.statement, "forecasts": forecasts.statement}


def filled(table: str, query: Query) -> list[str]:
    """Return the statement as it is used: for each message type, for everybody or for some."""
    if table == "message_logs":
        doubts = [False, True] if query.name == "claim" else [False]
        return [message_logs.statement(query.name, is_doubtful=doubt) for doubt in doubts]
    if table in OF_TYPES:
        return [OF_TYPES[table](query.name, message_type) for message_type in MESSAGE_TYPES]
    if table == "users":
        return [users.statement(query.name, name) for name in (None, "BIRTHDAY", "ANNIVERSARY")]
    if table in OWN:
        made = OWN[table](query.name)
        return [made] if isinstance(made, str) else made
    if table != "plans":
        return [query.fill({})]
    both = ["everybody", "some_people"]
    candidates = {"plan": both, "list_to_compose": both, "retime_people": ["some_people"]}
    return [
        plans.statement(query.name, message_type, some, is_spread=is_spread)
        for message_type in MESSAGE_TYPES
        for some in candidates.get(query.name, ["everybody"])
        for is_spread in (False, True)
    ]


def ids(case: object) -> str:
    return case.name if isinstance(case, Query) else str(case)


@pytest.mark.parametrize(("table", "query"), STATEMENTS, ids=ids)
async def test_it_prepares(connection: AnyConnection, table: str, query: Query) -> None:
    for statement in filled(table, query):
        prepared = await connection.prepare(statement)
        assert prepared.get_query() == statement


@pytest.mark.parametrize(("table", "query"), QUERIES, ids=ids)
def test_it_has_a_comment_of_one_sentence(table: str, query: Query) -> None:
    assert query.text.startswith("-- "), f"{table}.{query.name} does not say what it does"


@pytest.mark.parametrize(("table", "query"), QUERIES, ids=ids)
def test_its_moves_are_legal(table: str, query: Query) -> None:
    for source, target in query.moves:
        assert is_legal(Status(source), Status(target)), f"{table}.{query.name}"
    assert not query.learned or table == "restores"


@pytest.mark.parametrize("table", TABLES)
def test_what_moves_a_status_takes_its_condition_from_the_line_of_its_moves(table: str) -> None:
    source = files("heyday.db").joinpath("sql", f"{table}.sql").read_text("utf-8")
    parts = source.split("-- name: ")
    moving = [part for part in parts if "-- moves: " in part or "-- learns: " in part]
    assert [part.split()[0] for part in moving if "status {movable}" not in part] == []


@pytest.mark.parametrize(("table", "query"), QUERIES, ids=ids)
def test_it_names_its_moves_if_it_sets_a_status(table: str, query: Query) -> None:
    # enqueue_again renews queued_at of rows that stay QUEUED, which is a move to the same.
    is_moving = bool(SETS_STATUS.search(query.text)) or query.name == "enqueue_again"
    assert is_moving == bool(query.moves or query.learned), f"{table}.{query.name}"


def test_the_moves_cover_the_way_of_a_greeting() -> None:
    moves = {move for _, query in QUERIES for move in query.moves}
    assert {
        ("SCHEDULED", "QUEUED"),
        ("QUEUED", "SENDING"),
        ("SENDING", "SENT"),
        ("SENDING", "RETRYING"),
        ("RETRYING", "QUEUED"),
        ("CANCELLED", "SCHEDULED"),
    } <= moves


def test_what_an_edit_cancels_an_edit_can_take_back() -> None:
    """The reasons that the statements give are those by which a row comes back."""
    given = set()
    for table, name in (("plans", "cancel_unwanted"), ("message_logs", "claim")):
        given |= set(
            re.findall(r"'(person \w+|date or \w+ \w+ \w+)'", queries.load(table)[name].text)
        )
    assert given == set(UNDONE_BY_EDITS)
    assert "'cancelled by a person'" in queries.load("resolutions")["cancel"].text


def test_statuses_are_written_only_where_a_query_says_so() -> None:
    """No SQL outside db/sql moves a greeting."""
    strays = [
        path.name
        for path in files("heyday.db").iterdir()
        if path.name.endswith(".py") and "UPDATE message_logs" in path.read_text("utf-8")
    ]
    assert not strays
