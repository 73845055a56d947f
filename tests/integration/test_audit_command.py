"""The command `heyday audit`, and what commands leave in the log."""

import asyncio
import json
import os
import pwd
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heyday.cli.app import app
from tests.factories import Pipeline
from tests.terminal import refusal

ME = pwd.getpwuid(os.getuid()).pw_name
CSV = "first_name,last_name,email,timezone\nZebedee,Quux,canary@example.com,Asia/Kathmandu\n"


@pytest.fixture(autouse=True)
def _program(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", pipeline.url)


async def run(*arguments: str) -> str:
    result = await asyncio.to_thread(
        CliRunner().invoke, app, list(arguments), catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.stdout


async def entries(*arguments: str) -> list[dict[str, object]]:
    return list(json.loads(await run("audit", "--json", *arguments))["entries"])


async def test_what_a_command_writes_is_noted_under_the_user_of_the_system(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text(CSV, "utf-8")
    await run("users", "import", "people.csv", "--json")
    user_id = await pipeline.value("SELECT id FROM users")
    (entry,) = await entries()
    assert (entry["actor_kind"], entry["actor_name"]) == ("cli", ME)
    assert (entry["action"], entry["subject_ids"]) == ("users.import", [str(user_id)])
    assert (entry["address"], entry["request_id"], entry["fields"]) == (None, None, [])


async def test_what_touches_nobody_is_noted_as_well() -> None:
    await run("keys", "create", "payroll", "--scope", "users:read")
    await run("jobs", "run", "daily", "--json")
    found = [(entry["actor_name"], entry["action"]) for entry in await entries()]
    assert found == [(ME, "jobs.run"), (ME, "keys.create")]


async def test_recovery_tidies_up_what_is_too_old(pipeline: Pipeline) -> None:
    await pipeline.execute(
        "INSERT INTO api_replies (key_id, idempotency_key, fingerprint, created_at) "
        "SELECT gen_random_uuid(), 'x', '', now() - age * interval '1 hour' "
        "FROM unnest(ARRAY[47, 49, 500]) AS age"
    )
    await pipeline.execute("CREATE TABLE audit_log_y2020m01 (LIKE audit_log)")
    await pipeline.execute(
        "ALTER TABLE audit_log ATTACH PARTITION audit_log_y2020m01 "
        "FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-02-01 00:00+00')"
    )
    counts = json.loads(await run("jobs", "run", "recovery", "--json"))
    assert (counts["forgotten_replies"], counts["audit_months_dropped"]) == (2, 1)
    assert await pipeline.value("SELECT count(*) FROM api_replies") == 1
    assert await pipeline.value("SELECT to_regclass('audit_log_y2020m01')") is None


async def test_a_command_that_shows_a_person_is_a_look(pipeline: Pipeline) -> None:
    user_id = await pipeline.insert()
    await run("explain", str(user_id), "--json")
    entry = (await entries())[0]
    assert (entry["action"], entry["subject_ids"]) == ("explain.explain", [str(user_id)])
    assert (entry["actor_kind"], entry["actor_name"]) == ("cli", ME)


async def test_lines_are_found_by_person_action_actor_and_time(pipeline: Pipeline) -> None:
    ada, bob = await pipeline.insert(), await pipeline.insert()
    await pipeline.execute("UPDATE users SET location_city = 'Rome' WHERE id = $1", bob)

    async def actions(*arguments: str) -> list[object]:
        return [entry["action"] for entry in await entries(*arguments)]

    assert await actions("--person", str(ada)) == ["people.insert"]
    assert await actions("--person", str(bob)) == ["people.update", "people.insert"]
    assert await actions("--action", "people.insert") == ["people.insert"] * 2
    assert await actions("--actor", "nobody") == []
    assert await actions("--key", "00") == []
    assert await actions("--since", "2100-01-01T00:00:00Z") == []
    assert await actions("--until", "2000-01-01T00:00:00Z") == []
    assert await actions("--limit", "1") == ["people.update"]


async def test_people_read_it_without_seeing_a_person(pipeline: Pipeline) -> None:
    assert await run("audit") == "The audit log has no such line.\n"
    user_id = await pipeline.insert(first_name="Zebedee", email="canary@example.com")
    await pipeline.execute("UPDATE users SET last_name = 'Quux'")
    shown = await run("audit", "--limit", "1")
    assert "people.update" in shown
    assert str(user_id) in shown
    assert "changed: last_name" in shown
    assert "There are more" in shown
    assert not {"Zebedee", "Quux", "canary"} & set(shown.split())


async def test_of_very_many_people_the_first_are_shown(pipeline: Pipeline) -> None:
    await pipeline.execute(
        "INSERT INTO users (first_name, last_name, email, timezone) "
        "SELECT 'A', 'B', n || '@example.com', 'UTC' FROM generate_series(1, 1203) n"
    )
    assert "and 1,200 more" in await run("audit")


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (["--person", "ada"], "--person: is not an id"),
        (["--since", "yesterday"], "--since: is not an instant"),
        (["--until", "2027-01-14"], "--until: is not an instant"),
    ],
)
def test_an_option_that_is_wrong_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    phrase: str,
) -> None:
    assert phrase in refusal(monkeypatch, capsys, "audit", *arguments)
