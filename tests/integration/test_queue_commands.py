"""The commands `heyday queue`, as somebody at a terminal has them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from heyday.cli.app import app
from tests.factories import Pipeline
from tests.terminal import refusal

# By the clock of the machine, which a program of its own reads.
NOW = datetime.now(UTC)  # noqa: TID251 - as above
SET_ASIDE = """
    INSERT INTO queue_batches (
        id, due_at, first_at, last_at, message_ids, delivery_count, visible_at)
    VALUES ($1, $2, $2, $2, ARRAY[gen_random_uuid(), gen_random_uuid()], 20, $2)
"""


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["queue", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.fixture
async def dead(pipeline: Pipeline) -> list[str]:
    """The ids of three batches that were set aside."""
    ids = [uuid4() for _ in range(3)]
    for batch_id in ids:
        await pipeline.execute(SET_ASIDE, batch_id, NOW)
    return sorted(map(str, ids))


def listed() -> list[str]:
    return [each["id"] for each in json.loads(run("dead", "list", "--json"))["dead"]]


def test_the_topology_names_all_that_the_design_fixes() -> None:
    topology = json.loads(run("topology"))
    assert {"name": "heyday.dlx", "type": "topic", "durable": True} in topology["exchanges"]
    queues = {queue["name"]: queue["arguments"] for queue in topology["queues"]}
    assert set(queues) == {"heyday.messages", "heyday.messages.dead"}
    assert {arguments["x-queue-type"] for arguments in queues.values()} == {"quorum"}
    assert queues["heyday.messages"]["x-delivery-limit"] == 20
    assert queues["heyday.messages"]["x-dead-letter-exchange"] == "heyday.dlx"
    bound = {(each["source"], each["destination"]) for each in topology["bindings"]}
    assert bound == {
        ("heyday.messages", "heyday.messages"),
        ("heyday.dlx", "heyday.messages.dead"),
    }


def test_nothing_set_aside_is_said_so() -> None:
    assert run("dead", "list") == "Nothing was set aside.\n"
    assert run("dead", "purge", "--all") == "purged: 0\n"


def test_what_was_set_aside_is_listed_and_shown(dead: list[str]) -> None:
    lines = run("dead", "list").splitlines()
    assert [line.split()[0] for line in lines] == dead
    assert "2 greetings, delivered 20 times" in lines[0]
    shown = json.loads(run("dead", "show", dead[0]))
    assert (shown["id"], shown["greetings"], len(shown["message_ids"])) == (dead[0], 2, 2)


def test_a_batch_is_replayed_and_the_others_are_deleted(dead: list[str]) -> None:
    assert run("dead", "replay", dead[0]) == "replayed: 1\n"
    assert listed() == dead[1:]
    assert run("dead", "purge", dead[1]) == "purged: 1\n"
    assert run("dead", "replay", "--all") == "replayed: 1\n"
    assert listed() == []


@pytest.fixture
def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What the program says when it refuses."""
    return partial(refusal, monkeypatch, capsys, "queue", "dead")


@pytest.mark.parametrize("command", ["replay", "purge"])
def test_neither_ids_nor_all_is_refused(refused: Callable[..., str], command: str) -> None:
    assert "give ids, or --all" in refused(command)
    assert "give ids, or --all" in refused(command, "--all", str(uuid4()))


def test_an_id_that_is_not_there_is_told(refused: Callable[..., str], dead: list[str]) -> None:
    assert "nothing that was set aside has this id" in refused("show", "nonsense")
    assert "1 of the ids were not there" in refused("purge", dead[0], "nonsense")
    assert listed() == dead[1:]
