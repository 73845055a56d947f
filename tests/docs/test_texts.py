"""What docs/texts.md shows of texts is what they become."""

import json
from datetime import date

import pytest

from heyday.domain.text_ports import YEARS_UNKNOWN, Person, TextSource
from heyday.settings import Settings
from heyday.texts.book import Book
from heyday.texts.languages import locale_of
from heyday.texts.ready import ready_languages
from heyday.texts.template import LARGEST, MOST_TAGS, MOST_TOKENS
from heyday.texts.vocabulary import FILTERS, places_of
from tests.docs.pages import ROOT, code, page

PAGE = page("docs/texts.md")
ON = date(2027, 6, 14)


def composed(text: str, person: Person, language: str = "de") -> str:
    book = Book({("BIRTHDAY", language): TextSource("S", text, None)}, company="Northwind")
    return book.compose("BIRTHDAY", language, ON, person).text


def test_every_place_is_shown_as_it_becomes() -> None:
    (table,) = PAGE.tables("written", "stands for", "example")
    rows = {code(written)[0]: example for written, _, example in table.rows}
    assert {place.strip("{ }") for place in rows} == set(places_of("BIRTHDAY"))
    for written, example in rows.items():
        if example:
            text = f"{{% if years %}}{written}{{% endif %}}{{% if not years %}}x{{% endif %}}"
            assert composed(text, Person("Jana", "Brückner", 10)) == code(example)[0]


def test_years_become_what_is_shown() -> None:
    (table,) = PAGE.tables("written in a German text", "for 1", "for 10", "not known")
    for written, *shown in table.rows:
        made = [composed(code(written)[0], Person("a", "b", n)) for n in (1, 10, YEARS_UNKNOWN)]
        assert made == [code(cell)[0] for cell in shown]


def test_every_filter_does_what_is_shown() -> None:
    (table,) = PAGE.tables("filter", "does", "`{{ first_name }}` of ANNA-maria")
    rows = {code(name)[0]: code(shown)[0] for name, _, shown in table.rows}
    assert tuple(rows) == FILTERS
    for name, shown in rows.items():
        assert composed(f"{{{{ first_name|{name} }}}}", Person("ANNA-maria", "b", 1)) == shown


def test_the_example_is_a_text() -> None:
    (example,) = PAGE.blocks("text")
    assert composed(example, Person("Jana", "B", 30)).splitlines() == [
        "Liebe Grüße zum Geburtstag, Jana!",
        "",
        "30 Jahre: das wird gefeiert.",
        "",
        "Northwind",
    ]


def test_all_languages_are_named() -> None:
    for tag in ready_languages():
        locale = locale_of(tag)
        assert locale
        name = str(locale.get_language_name("en"))
        assert name.partition(" (")[0] in PAGE.text


def test_the_decision_counts_what_is_hostile() -> None:
    hostile = json.loads((ROOT / "tests/unit/texts/hostile.json").read_text("utf-8"))
    decision = page("docs/adr/0038-texts-and-languages.md").text
    assert f"{len(hostile)} escapes and bombs" in decision
    for limit in (f"{LARGEST // 1024} KB", f"{MOST_TAGS} tags", f"{MOST_TOKENS:,} tokens"):
        assert limit in decision


@pytest.mark.parametrize("name", ["HEYDAY_TEXTS", "HEYDAY_LANGUAGE", "HEYDAY_COMPANY"])
def test_settings_that_are_named_are_there(name: str) -> None:
    assert f"`{name}`" in PAGE.text
    assert name in {field.alias for field in Settings.model_fields.values()}
