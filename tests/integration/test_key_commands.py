"""The commands `heyday keys`, as somebody at a terminal has them."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from heyday.cli.app import app
from tests.terminal import refusal

KEY = re.compile(r"hd_[0-9a-f]{8}_[0-9a-f]{64}")


def invoke(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["keys", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(invoke("list", "--json").stdout)["keys"]
    return found


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)


def test_the_key_alone_is_on_standard_output_and_nowhere_else() -> None:
    made = invoke("create", "payroll", "--scope", "users:read", "--scope", "users:write")
    key = made.stdout.removesuffix("\n")
    assert KEY.fullmatch(key)
    assert "payroll" in made.stderr
    assert key not in made.stderr
    shown = invoke("list").stdout
    assert key[:11] not in shown
    assert key[3:11] in shown
    assert key[12:] not in shown
    assert "users:read users:write" in shown


def test_as_json_it_is_one_document() -> None:
    made = json.loads(invoke("create", "payroll", "--scope", "admin", "--json").stdout)
    assert KEY.fullmatch(made.pop("key"))
    assert listed() == [made]
    assert (made["name"], made["scopes"]) == ("payroll", ["admin"])
    assert made["expires_at"] is made["last_used_at"] is made["revoked_at"] is None


def test_a_key_can_be_made_to_end() -> None:
    invoke("create", "payroll", "--scope", "admin", "--expires", "90d")
    (key,) = listed()
    lifetime = datetime.fromisoformat(key["expires_at"]) - datetime.fromisoformat(key["created_at"])
    assert abs(lifetime - timedelta(days=90)) < timedelta(minutes=1)
    assert "; expires " in invoke("list").stdout


def test_a_revoked_key_is_listed_as_such() -> None:
    key = invoke("create", "payroll", "--scope", "admin").stdout
    assert "REVOKED" in invoke("revoke", key[3:11]).stdout
    (shown,) = listed()
    assert datetime.fromisoformat(shown["revoked_at"]) <= datetime.now(UTC)  # noqa: TID251


def test_without_keys_it_says_what_that_means() -> None:
    assert "nobody may use the API" in invoke("list").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", " ", "--scope", "admin"], "name: is required"),
        (["create", "x" * 101, "--scope", "admin"], "at most 100"),
        (["create", "x", "--scope", "admin", "--expires", "soon"], "--expires: expected a number"),
        (["revoke", "ffffffff"], "no API key has this prefix"),
        (["revoke", "hd_ffffffff"], "no API key has this prefix"),
    ],
)
def test_what_cannot_be_done_is_explained(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    assert said in refusal(monkeypatch, capsys, "keys", *arguments)


def test_a_key_needs_a_scope() -> None:
    for arguments in (["create", "x"], ["create", "x", "--scope", "root"]):
        assert CliRunner().invoke(app, ["keys", *arguments]).exit_code == 2
    assert listed() == []
