"""The commands `heyday messages`, as somebody at a terminal has them."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heyday.cli.app import app
from heyday.db import partitions
from heyday.domain.timezone import Window
from tests.factories import Pipeline
from tests.terminal import refusal

# By the clock of the machine, which a program of its own reads.
NOW = datetime.now(UTC)  # noqa: TID251 - as above
# What must never be shown: whoever finds one of these in an output has found the person.
CANARIES = ("Zebedee", "Quux", "canary", "1983-06-14", "Kathmandu", "answered with")
PERSON = {
    "first_name": "Zebedee",
    "last_name": "Quux",
    "email": "canary@example.com",
    "timezone": "Asia/Kathmandu",
    "birthday_date": "1983-06-14",
}
GREETING = """
    INSERT INTO message_logs (
        user_id, message_type, delivery_date, scheduled_send_time, status, retry_count,
        ambiguous_count, idempotency_key, message_content, occasion_date, timezone, tzdb_version,
        api_response_body, error_message)
    SELECT id, 'BIRTHDAY', $1::timestamptz::date + n, $1::timestamptz - n * interval '1 s',
           'UNKNOWN', 1, 2, id || ':BIRTHDAY:' || n, 'Hey, Zebedee Quux', birthday_date, timezone,
           '2026f', 'answered with canary@example.com', 'no answer came in time'
    FROM users CROSS JOIN generate_series(1, 3) AS n
"""
ATTEMPTS = """
    INSERT INTO message_attempts (
        message_id, scheduled_send_time, epoch, attempt, outcome, status, finished_at,
        api_response_code, error_message)
    SELECT id, scheduled_send_time, 1, 2, 'ambiguous', 'UNKNOWN', scheduled_send_time, 503,
           'no answer came in time'
    FROM message_logs
"""


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["messages", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert not [canary for canary in CANARIES if canary in result.output]
    return result.stdout


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
async def waiting(pipeline: Pipeline) -> list[str]:
    """The ids of three greetings that wait for a decision, the earliest first."""
    await pipeline.insert(**PERSON)
    async with pipeline.database.connection() as connection:
        await partitions.ensure(connection, Window(NOW, NOW))
    await pipeline.execute(GREETING, NOW)
    await pipeline.execute(ATTEMPTS)
    return [str(row["id"]) for row in await pipeline.messages()]


def test_where_nothing_waits_the_list_says_so(database_url: str) -> None:
    assert database_url
    assert run("list") == "No greeting is UNKNOWN.\n"
    assert json.loads(run("list", "--json")) == {
        "status": "UNKNOWN",
        "is_more": False,
        "messages": [],
    }


def test_the_list_shows_what_waits_and_no_person(waiting: list[str]) -> None:
    lines = run("list").splitlines()
    # An id is never broken: it is there to be copied.
    assert lines[::3] == [f"{given}  UNKNOWN" for given in waiting]
    assert all("; retries: 1, ambiguous attempts: 2" in line for line in lines[1::3])
    assert set(lines[2::3]) == {"  no answer came in time"}
    assert "There are more" in run("list", "--limit", "2")
    assert run("list", "--status", "SENT") == "No greeting is SENT.\n"


def test_the_list_as_json(waiting: list[str]) -> None:
    told = json.loads(run("list", "--limit", "2", "--json"))
    assert (told["status"], told["is_more"]) == ("UNKNOWN", True)
    assert [message["id"] for message in told["messages"]] == waiting[:2]
    assert set(told["messages"][0]) == {
        "id", "idempotency_key", "message_type", "delivery_date", "scheduled_send_time",
        "actual_send_time", "status", "retry_count", "ambiguous_count", "next_attempt_at",
        "api_response_code", "error_message", "sender",
    }  # fmt: skip


def test_one_is_shown_with_its_attempts_and_no_person(waiting: list[str]) -> None:
    printed = run("show", waiting[0])
    assert f"id        {waiting[0]}" in printed
    assert "attempt 2: ambiguous, to be UNKNOWN, HTTP 503 (no answer came in time)" in printed
    told = json.loads(run("show", waiting[0], "--json"))
    assert (told["id"], told["status"]) == (waiting[0], "UNKNOWN")
    assert told["events"] == []
    (attempt,) = told["attempts"]
    assert (attempt["attempt"], attempt["outcome"], attempt["status"]) == (
        2,
        "ambiguous",
        "UNKNOWN",
    )


@pytest.mark.parametrize(
    ("option", "status"), [("--sent", "SENT"), ("--failed", "FAILED"), ("--retry", "RETRYING")]
)
async def test_a_decision_is_made(
    pipeline: Pipeline, waiting: list[str], option: str, status: str
) -> None:
    words = ("resolve", waiting[0], option, "--note", "as they say")
    # The command runs a loop of its own.
    assert await asyncio.to_thread(run, *words) == f"{status}: 1\n"
    words = ("resolve", waiting[1], waiting[2], option, "--json")
    told = json.loads(await asyncio.to_thread(run, *words))
    assert (told["status"], sorted(told["resolved"])) == (status, sorted(waiting[1:]))
    assert await pipeline.statuses() == [status] * 3
    assert "as they say" in await asyncio.to_thread(run, "show", waiting[0])


async def test_what_is_not_yet_sent_is_cancelled(pipeline: Pipeline, waiting: list[str]) -> None:
    await pipeline.execute("UPDATE message_logs SET status = 'SCHEDULED'")
    words = ("cancel", waiting[0], "--note", "as they say")
    # The command runs a loop of its own.
    assert await asyncio.to_thread(run, *words) == "CANCELLED: 1\n"
    told = json.loads(await asyncio.to_thread(run, "cancel", *waiting[1:], "--json"))
    assert (told["status"], sorted(told["cancelled"])) == ("CANCELLED", sorted(waiting[1:]))
    assert await pipeline.statuses() == ["CANCELLED"] * 3
    shown = await asyncio.to_thread(run, "show", waiting[0])
    assert "a person decided: CANCELLED (as they say)" in shown


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["resolve", "x"], "--sent, --failed, --retry: give exactly one of the three"),
        (["resolve", "x", "--sent", "--retry"], "give exactly one of the three"),
        (["resolve", "x", "--sent"], "nothing was changed\n  x: ID: is not the id of a greeting"),
        (["resolve", "x", "--sent", "--note", "a@b"], "note: holds an address"),
        (["cancel", "x"], "nothing was changed\n  x: ID: is not the id of a greeting"),
        (["show", "x"], "ID: is not the id of a greeting"),
        (["show", "8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c"], "there is no greeting with this id"),
    ],
)
def test_what_cannot_be_done_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    assert said in refusal(monkeypatch, capsys, "messages", *arguments)


async def test_of_one_that_is_settled_the_refusal_says_why(
    pipeline: Pipeline,
    waiting: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await asyncio.to_thread(run, "resolve", waiting[0], "--failed")
    words = ("messages", "resolve", *waiting, "--sent")
    said = await asyncio.to_thread(refusal, monkeypatch, capsys, *words)
    assert f"{waiting[0]}: a greeting cannot go from FAILED to SENT" in said
    assert not [canary for canary in CANARIES if canary in said]
    assert sorted(await pipeline.statuses()) == ["FAILED", "UNKNOWN", "UNKNOWN"]
