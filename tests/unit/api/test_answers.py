"""Which problem document each error becomes, and what it keeps to itself."""

from collections.abc import AsyncIterator

import httpx
import pytest
from structlog.testing import capture_logs

from heyday.api.answers import kind_of
from heyday.api.problems import PROBLEM_KINDS, RETRY_AFTER_SECONDS
from heyday.domain.errors import (
    Changed,
    ConfigurationError,
    Conflict,
    DatabaseError,
    DatabaseUnavailable,
    DeadBatchNotFound,
    EmailTaken,
    FieldProblem,
    IllegalMove,
    InvalidInput,
    MessageNotFound,
    MessageTypeNotFound,
    NotFound,
    TransportError,
    UnknownTimezone,
)
from tests.unit.api.scripted import ADA, ScriptedUsers

PERSON = f"/user/{ADA.id}"


@pytest.mark.parametrize(
    ("fault", "status", "name"),
    [
        (InvalidInput([]), 422, "invalid-input"),
        (UnknownTimezone(), 422, "invalid-input"),
        (NotFound("gone"), 404, "not-found"),
        (MessageNotFound(), 404, "no-such-message"),
        (MessageTypeNotFound(["BIRTHDAY"]), 404, "no-such-message-type"),
        (DeadBatchNotFound(), 404, "no-such-dead-letter"),
        (TransportError("away"), 503, "queue-unavailable"),
        (Changed(), 412, "changed"),
        (EmailTaken(), 409, "email-taken"),
        (Conflict("moved on"), 409, "conflict"),
        (IllegalMove("SENT", "QUEUED", "no way"), 409, "illegal-move"),
        (DatabaseUnavailable("away"), 503, "unavailable"),
        (DatabaseError("broken"), 500, "internal-error"),
        (ConfigurationError("missing"), 500, "internal-error"),
        (ZeroDivisionError(), 500, "internal-error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_each_error_has_its_problem(
    client: httpx.AsyncClient, users: ScriptedUsers, fault: Exception, status: int, name: str
) -> None:
    users.fault = fault
    reply = await client.get(PERSON)
    problem = reply.json()
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.status_code == problem["status"] == status
    assert problem["type"] == f"/problems/{name}"
    assert problem["title"]
    assert problem["detail"]


def test_an_error_is_of_the_kind_of_its_nearest_listed_parent() -> None:
    assert kind_of(UnknownTimezone()) is PROBLEM_KINDS[InvalidInput]
    assert kind_of(DatabaseUnavailable("away")) is not kind_of(DatabaseError("broken"))
    assert kind_of(LookupError()) is PROBLEM_KINDS[Exception]


async def test_a_fault_of_ours_says_nothing_but_where_to_look(
    client: httpx.AsyncClient, users: ScriptedUsers
) -> None:
    users.fault = RuntimeError("SELECT secret FROM db.internal WHERE email = 'ada@example.com'")
    with capture_logs() as lines:
        reply = await client.get(PERSON)
    for word in ("SELECT", "internal.", "ada@", "Traceback", ".py"):
        assert word not in reply.text
    (line,) = [line for line in lines if line["event"] == "request_failed"]
    assert line["error"] == "RuntimeError"
    assert "SELECT" not in str(line)
    assert any(frame.endswith("get_person") for frame in line["at"])
    assert reply.json()["request_id"] == reply.headers["x-request-id"]


async def test_the_log_shows_where_the_cause_arose(
    client: httpx.AsyncClient, users: ScriptedUsers
) -> None:
    def arise() -> None:
        raise KeyError("deep")

    try:
        arise()
    except KeyError as cause:
        users.fault = RuntimeError()
        users.fault.__cause__ = cause
    with capture_logs() as lines:
        await client.get(PERSON)
    (line,) = [line for line in lines if line["event"] == "request_failed"]
    assert any(frame.endswith("arise") for frame in line["at"])


async def test_an_unavailable_database_asks_for_patience_and_names_no_host(
    client: httpx.AsyncClient, users: ScriptedUsers
) -> None:
    users.fault = DatabaseUnavailable("no connection to db.internal:5432")
    reply = await client.get(PERSON)
    assert reply.headers["retry-after"] == str(RETRY_AFTER_SECONDS)
    assert "db.internal" not in reply.text


async def test_only_names_that_look_like_fields_are_repeated(
    client: httpx.AsyncClient, users: ScriptedUsers
) -> None:
    names = ["email", "nick-name", "ada@example.com", "\ud800", "a/b", "", "x" * 65]
    users.fault = InvalidInput([FieldProblem(name, "breaks a rule") for name in names])
    errors = (await client.get(PERSON)).json()["errors"]
    assert [error["pointer"] for error in errors] == [
        "/email",
        "/nick-name",
        "",
        "",
        "/a~1b",
        "",
        "",
    ]
    assert errors[0]["detail"] == "breaks a rule"
    assert errors[2]["detail"] == "one field breaks a rule"


@pytest.mark.parametrize(
    ("method", "path", "status", "name"),
    [
        ("GET", "/nothing", 404, "no-such-path"),
        ("GET", "/user/no-uuid", 404, "no-such-path"),
        ("PUT", "/user", 405, "method-not-allowed"),
        ("POST", "/user", 400, "malformed-body"),
        ("GET", "/api/v1/users?limit=0", 422, "invalid-input"),
    ],
)
async def test_what_litestar_refuses_looks_the_same(
    client: httpx.AsyncClient, method: str, path: str, status: int, name: str
) -> None:
    reply = await client.request(method, path)
    assert reply.headers["content-type"] == "application/problem+json"
    assert (reply.status_code, reply.json()["type"]) == (status, f"/problems/{name}")


async def test_a_method_not_allowed_names_those_that_are(client: httpx.AsyncClient) -> None:
    reply = await client.put("/user")
    assert {"POST", "OPTIONS"} == set(reply.headers["allow"].split(", "))


async def test_a_body_may_have_64_kib_and_no_byte_more(
    client: httpx.AsyncClient, users: ScriptedUsers
) -> None:
    headers = {"Content-Type": "application/json"}
    fits = b'{"a": "' + b"x" * (65536 - 9) + b'"}'
    assert (await client.post("/user", content=fits, headers=headers)).status_code == 201
    assert users.given == [{"a": "x" * (65536 - 9)}]
    reply = await client.post("/user", content=fits + b" ", headers=headers)
    assert (reply.status_code, reply.json()["type"]) == (413, "/problems/body-too-large")


async def test_a_body_of_unknown_length_is_cut_off_too(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b" " * 1024

    reply = await client.post(
        "/user", content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == 413


async def test_a_false_length_is_refused(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": "much"}
    reply = await client.post("/user", content=b"{}", headers=headers)
    assert (reply.status_code, reply.json()["type"]) == (400, "/problems/bad-request")
    assert "much" not in reply.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_a_body_that_a_web_page_could_send_unasked_is_refused(
    client: httpx.AsyncClient, users: ScriptedUsers, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    reply = await client.post("/user", content=b'{"a": 1}', headers=headers)
    assert (reply.status_code, reply.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert users.given == []
