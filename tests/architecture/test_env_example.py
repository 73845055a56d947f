""".env.example shows every setting, commented out, with the default that is in force without it."""

import re
from pathlib import Path

import pytest

from heyday.settings import Settings

EXAMPLE = (Path(__file__).parents[2] / ".env.example").read_text("utf-8")
ROWS = re.findall(r"^#([A-Z_]+=.*)$", EXAMPLE, re.MULTILINE)
NAMES = [field.alias for field in Settings.model_fields.values() if field.alias]


@pytest.fixture(autouse=True)
def _an_empty_folder_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_each_setting_stands_there_once_in_the_order_of_the_settings() -> None:
    assert [row.partition("=")[0] for row in ROWS] == NAMES


def test_taking_every_row_as_it_is_changes_nothing() -> None:
    defaults = Settings()
    Path(".env").write_text("\n".join(ROWS), "utf-8")
    assert Settings() == defaults


def test_a_row_without_its_hash_is_in_force() -> None:
    Path(".env").write_text(EXAMPLE.replace("#PORT=8000", "PORT=8001"), "utf-8")
    assert Settings().port == 8001


def test_every_setting_has_a_meaning_and_a_name_of_the_environment() -> None:
    fields = Settings.model_fields
    assert [n for n, field in fields.items() if not (field.alias and field.description)] == []
