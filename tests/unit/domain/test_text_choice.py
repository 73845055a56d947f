"""The texts of a plan: just the languages and years that its people need."""

from datetime import date

from heyday.domain.dates import YEAR_UNKNOWN
from heyday.domain.message_types import ANNIVERSARY, BIRTHDAY
from heyday.domain.text_choice import TextNeeds, choose, usual_years
from heyday.domain.text_ports import YEARS_UNKNOWN
from tests.books import BOOK, BookOf, Language

NEW_YEAR = [date(2026, 12, 31), date(2027, 1, 1)]


def nobody(kind: str, language: str) -> None:
    raise AssertionError(kind, language)


def test_years_are_those_between_dates_and_days() -> None:
    needs = TextNeeds(frozenset({None}), {"BIRTHDAY": frozenset({2000, 2027, YEAR_UNKNOWN})})
    assert needs.years(BIRTHDAY, NEW_YEAR) == [YEARS_UNKNOWN, 0, 26, 27]
    assert needs.years(ANNIVERSARY, NEW_YEAR) == []


def test_a_first_anniversary_is_the_least_that_is_counted() -> None:
    needs = TextNeeds(frozenset({None}), {"ANNIVERSARY": usual_years(2027)})
    years = needs.years(ANNIVERSARY, NEW_YEAR)
    assert years == [YEARS_UNKNOWN, *range(1, 128)]


def test_languages_that_nobody_speaks_cost_nothing() -> None:
    needs = TextNeeds(frozenset({None, "de-AT", "de"}), {"BIRTHDAY": frozenset({1990, 1991})})
    choice = choose(BookOf(BOOK), BIRTHDAY, needs, NEW_YEAR, nobody)
    assert choice.languages == {None: "en", "de-AT": "de", "de": "de"}
    found = sorted((w.language, w.years) for w in choice.wordings if w.years is not None)
    assert found == [("de", 35), ("de", 36), ("de", 37)]
    assert [w.language for w in choice.wordings if w.years is None] == ["en"]


def test_a_chunk_gets_the_texts_of_its_days() -> None:
    needs = TextNeeds(frozenset({"ja", None}), {"BIRTHDAY": frozenset({1990})})
    choice = choose(BookOf(BOOK), BIRTHDAY, needs, NEW_YEAR, nobody).within({NEW_YEAR[0]})
    assert {w.on for w in choice.wordings if w.language == "ja"} == {NEW_YEAR[0]}
    assert [w.language for w in choice.wordings].count("en") == 1


def test_a_text_that_fails_is_told_of_and_replaced() -> None:
    told = []
    book = BookOf({"en": Language("", "", is_broken=True)})
    needs = TextNeeds(frozenset({None}), {"BIRTHDAY": frozenset({1990})})
    choice = choose(book, BIRTHDAY, needs, NEW_YEAR, lambda *text: told.append(text))
    assert told == [("BIRTHDAY", "en")]
    assert [w.text for w in choice.wordings] == ["Hey, %1$s %2$s it's your birthday"]
