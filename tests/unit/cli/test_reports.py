"""What `heyday settings` lists."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from heyday.cli.reports import settings
from heyday.settings import Settings

Rows = Mapping[str, Mapping[str, str]]


@pytest.fixture
def listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Rows]:
    """The rows of the list by name, with these settings in force and no others."""
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)

    def call(**given: str) -> Rows:
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        settings(as_json=True)
        return {row["name"]: row for row in json.loads(capsys.readouterr().out)}

    return call


def test_every_setting_is_listed_with_value_default_and_meaning(listed: Callable[..., Rows]):
    rows = listed(SEND_TIME="08:30")
    assert list(rows) == [field.alias for field in Settings.model_fields.values()]
    assert (rows["SEND_TIME"]["value"], rows["SEND_TIME"]["default"]) == ("08:30", "09:00")
    assert all(row["meaning"] for row in rows.values())


def test_what_is_set_for_one_type_is_listed_and_nothing_else_is(listed: Callable[..., Rows]):
    rows = listed(
        HEYDAY_BIRTHDAY_SEND_TIME="08:30",
        HEYDAY_ANNIVERSARY_LEAP_DAY="OMIT",
        HEYDAY_ANNIVERSARY_LATE_WINDOW="2h",
    )
    own = {name: row["value"] for name, row in rows.items() if "_BIRTHDAY_" in name}
    assert own == {"HEYDAY_BIRTHDAY_SEND_TIME": "08:30"}
    own = {name: row["value"] for name, row in rows.items() if "_ANNIVERSARY_" in name}
    assert own == {
        "HEYDAY_ANNIVERSARY_LEAP_DAY": "OMIT",
        "HEYDAY_ANNIVERSARY_LATE_WINDOW": "7200s",
    }
    assert rows["SEND_TIME"]["value"] == "09:00"


def test_one_type_is_listed_for_reading_too(
    listed: Callable[..., Rows], capsys: pytest.CaptureFixture[str]
):
    listed(HEYDAY_BIRTHDAY_SEND_TIME="08:30")
    settings()
    assert "HEYDAY_BIRTHDAY_SEND_TIME=08:30\n" in capsys.readouterr().out


def test_a_secret_is_listed_as_set_and_not_shown(
    listed: Callable[..., Rows], capsys: pytest.CaptureFixture[str]
):
    secret = "not to be shown to whoever asks for it"
    assert listed()["HEYDAY_SECRET"]["value"] == ""
    assert listed(HEYDAY_SECRET=secret)["HEYDAY_SECRET"]["value"] == "***"
    settings()
    assert secret not in capsys.readouterr().out
