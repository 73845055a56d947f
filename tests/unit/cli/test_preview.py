"""`heyday preview --sample`: a greeting as it would look, without a database."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from heyday.cli import preview
from heyday.cli.app import app
from heyday.settings import Settings
from tests.terminal import refusal


@pytest.fixture(autouse=True)
def _an_empty_folder_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["preview", "--sample", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_subject_and_text_are_shown_in_the_language() -> None:
    assert shown("--type", "anniversary", "--locale", "pl-PL", "--years", "22") == (
        "Subject: Wszystkiego najlepszego z okazji rocznicy pracy, Zofia!\n\n"
        "Wszystkiego najlepszego z okazji rocznicy pracy, Zofia!\n\n"
        "To już 22 lata z nami!\n\n"
        "Dziękujemy za wszystko i życzymy wielu kolejnych wspólnych lat.\n"
    )


def test_html_is_written_with_a_link_that_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEYDAY_PUBLIC_URL", "https://hey.example.com")
    printed = shown("--type", "BIRTHDAY", "--locale", "ar", "--html", "out.html")
    assert printed.endswith("The HTML is in out.html.\n")
    html = (tmp_path / "out.html").read_text("utf-8")
    assert 'lang="ar" dir="rtl"' in html
    assert f'href="{preview._LINK}"' in html  # noqa: SLF001 - where it leads


def test_a_companys_own_text_language_and_name_are_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "birthday.fi.txt").write_text("Hei {{ company }}", "utf-8")
    (tmp_path / "texts" / "birthday.fi.subject.txt").write_text("Onnea", "utf-8")
    for name, value in (("TEXTS", "texts"), ("LANGUAGE", "fi"), ("COMPANY", "Pohja")):
        monkeypatch.setenv(f"HEYDAY_{name}", value)
    assert shown("--type", "BIRTHDAY") == "Subject: Onnea\n\nHei Pohja\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sample", "ada@example.com", "--type", "BIRTHDAY"], "USER: give a person, or --sample"),
        (["--type", "BIRTHDAY"], "USER: give a person, or --sample"),
        (["--sample", "--type", "NAMEDAY"], "known: BIRTHDAY, ANNIVERSARY"),
        (
            ["--sample", "--type", "BIRTHDAY", "--locale", "fi"],
            "--locale: has no texts here; known",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    assert said in refusal(monkeypatch, capsys, "preview", *arguments)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HEYDAY_LANGUAGE", "fi", "HEYDAY_LANGUAGE=fi has no texts; known: ar, de"),
        ("HEYDAY_LANGUAGE", "english", "expected the tag of a language"),
        ("HEYDAY_COMPANY", "a\u2028b", "expected one line of characters that can be seen"),
        ("HEYDAY_COMPANY", "x" * 101, "at most 100 characters"),
        ("HEYDAY_TEXTS", "nowhere", "HEYDAY_TEXTS=nowhere is no folder"),
    ],
)
def test_a_setting_that_is_wrong_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(name, value)
    assert said in refusal(monkeypatch, capsys, "preview", "--sample", "--type", "BIRTHDAY")


def test_a_text_without_html_has_none_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "birthday.en.txt").write_text("Hey", "utf-8")
    monkeypatch.setenv("HEYDAY_TEXTS", str(tmp_path))
    given = ("preview", "--sample", "--type", "BIRTHDAY", "--html", "x.html")
    assert "--html: cannot be written" in refusal(monkeypatch, capsys, *given)
