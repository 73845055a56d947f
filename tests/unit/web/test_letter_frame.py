"""The HTML of a letter as its frame shows it."""

import pytest

from heyday.web.letter_frame import Look, show_letter

BASE = '<base target="_blank">'
DARK = f'{BASE}<meta name="color-scheme" content="dark">'


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<p>Hey</p>", f"{BASE}<p>Hey</p>"),
        ("<!doctype html><p>Hey", f"<!doctype html>{BASE}<p>Hey"),
        (
            '<!DOCTYPE html>\n<html lang="de">\n<HEAD class="x"><title>.</title>',
            f'<!DOCTYPE html>\n<html lang="de">\n<HEAD class="x">{BASE}<title>.</title>',
        ),
        ("<html><body><header>Hey", f"<html>{BASE}<body><header>Hey"),
    ],
)
def test_links_open_elsewhere_and_the_document_stays_what_it_is(html: str, shown: str) -> None:
    assert show_letter(html).content == shown


def test_what_stands_first_in_a_head_says_how_dark_it_is() -> None:
    assert show_letter("<head></head>", Look.DARK).content == f"<head>{DARK}</head>"


@pytest.mark.parametrize(
    ("given", "look"), [("dark", Look.DARK), ("LIGHT", Look.AUTO), ("", Look.AUTO)]
)
def test_a_look_that_there_is_not_is_that_of_the_screen(given: str, look: Look) -> None:
    assert Look.read(given) is look


def test_nothing_runs_and_nothing_is_fetched() -> None:
    policy = show_letter("").headers["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
