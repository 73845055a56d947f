"""Which text a person gets, and what serves them all."""

import time
from dataclasses import replace
from datetime import date
from itertools import product

import pytest

from heyday.domain import message_types
from heyday.domain.errors import TextRefused
from heyday.domain.message_types import BIRTHDAY, MESSAGE_TYPES
from heyday.domain.text_ports import YEARS_UNKNOWN, Composed, Person, TextBook, TextSource, Wording
from heyday.texts.book import Book
from heyday.texts.ready import ready_languages
from heyday.texts.text import fill

ON, NEXT_DAY = date(2027, 6, 14), date(2027, 6, 15)
ADA = Person("Ada", "Lovelace", 7)


def source(text: str, subject: str | None = "S") -> TextSource:
    return TextSource(subject, text, None)


def said(book: TextBook, message_type: str, locale: str | None) -> str:
    return book.compose(message_type, book.language_for(locale), ON, ADA).text


def test_the_language_is_the_nearest_there_is_else_the_companys():
    book = Book(language="de")
    locales = ("pt-BR", "zh-TW", "zh-CN", "fi", None, "", "nonsense!", "in-ID")
    assert [book.language_for(each) for each in locales] == [
        "pt", "zh-Hant", "zh", "de", "de", "de", "de", "id",
    ]  # fmt: skip


def test_a_companys_language_without_texts_is_english():
    assert Book(language="fi").language_for(None) == "en"
    assert not Book().has_language("fi")
    assert Book({("BIRTHDAY", "fi"): source("Hei")}, language="fi").language_for(None) == "fi"


def test_a_companys_own_text_goes_before_the_ready_one():
    book = Book({("BIRTHDAY", "de"): source("Hallo"), ("BIRTHDAY", "en"): source("Hi")})
    assert said(book, "BIRTHDAY", "de-AT") == "Hallo"
    assert said(book, "BIRTHDAY", "en-GB") == "Hi"
    assert said(book, "ANNIVERSARY", "de").startswith("Herzlichen Glückwunsch")


def test_a_language_without_a_text_for_one_type_falls_back_for_that_type_alone():
    book = Book({("BIRTHDAY", "fi"): source("Hei")}, language="de")
    assert (said(book, "BIRTHDAY", "fi"), said(book, "BIRTHDAY", "sv")[:11]) == (
        "Hei",
        "Herzlichen ",
    )
    assert "Firmenjubiläum" in said(book, "ANNIVERSARY", "fi")
    (wording,) = book.wordings("BIRTHDAY", "fi", [1], [ON])
    assert wording == Wording("fi", None, None, "S", "Hei", None)


def test_a_new_message_type_has_its_declarations_text(monkeypatch: pytest.MonkeyPatch):
    new = replace(
        BIRTHDAY,
        name="ONBOARDING",
        text="{{{first_name}}}, {n} days, 100 %",
        text_for_one="one {n}",
        text_without_year="none",
    )
    monkeypatch.setattr(message_types, "MESSAGE_TYPES", (*MESSAGE_TYPES, new))
    book = Book()
    texts = [
        book.compose("ONBOARDING", "de", ON, replace(ADA, years=n)).text
        for n in (0, 1, 2, YEARS_UNKNOWN)
    ]
    assert texts == ["{Ada}, 0 days, 100 %", "one 1", "{Ada}, 2 days, 100 %", "none"]
    assert book.compose("ONBOARDING", "de", ON, ADA).subject == "Hey, Ada!"


def test_a_subject_may_be_left_to_heyday_where_it_has_one():
    book = Book({("BIRTHDAY", "de-AT"): source("Servus", None)})
    made = book.compose("BIRTHDAY", "de-AT", ON, ADA)
    assert (made.subject, made.text) == ("Herzlichen Glückwunsch zum Geburtstag, Ada!", "Servus")
    with pytest.raises(TextRefused, match="subject: is needed, for Heyday has none in fi"):
        Book({("BIRTHDAY", "fi"): source("Hei", None)})


@pytest.mark.parametrize("tag", ["x", "qqq", "english"])
def test_a_language_that_nobody_knows_is_refused(tag: str):
    with pytest.raises(TextRefused, match="language: is no known language"):
        Book({("BIRTHDAY", tag): source("Hey")})


@pytest.mark.parametrize(
    ("text", "years", "days"),
    [
        ("Hey", [None], [None]),
        ("{{ date }}", [None], [ON, NEXT_DAY]),
        ("{% if years %}{{ years }}{% endif %}!", [YEARS_UNKNOWN, 1, 2], [None]),
        ("{% if years %}{{ years }}{% endif %}{{ date }}", [YEARS_UNKNOWN, 1, 2], [ON, NEXT_DAY]),
    ],
)
def test_wordings_are_made_for_what_a_text_depends_on(
    text: str, years: list[int | None], days: list[date | None]
):
    book = Book({("BIRTHDAY", "en"): source(text)})
    asked = [2, 1, YEARS_UNKNOWN, 1], [NEXT_DAY, ON, ON]
    made = book.wordings("BIRTHDAY", "en", *asked)
    assert [(w.years, w.on) for w in made] == list(product(years, days))
    for n, on in product(*asked):
        fitting = [w for w in made if w.years in {None, n} and w.on in {None, on}]
        (wording,) = fitting
        pattern = Composed(wording.subject, wording.text, wording.html)
        filled = fill(pattern, replace(ADA, years=n))
        assert filled == book.compose("BIRTHDAY", "en", on, replace(ADA, years=n))


def test_a_personal_text_is_composed_for_each_and_has_no_wordings():
    book = Book({("BIRTHDAY", "en"): source("Hey {{ first_name|upper }}")})
    assert book.is_personal("BIRTHDAY", "en")
    assert not book.is_personal("ANNIVERSARY", "en")
    assert said(book, "BIRTHDAY", "en") == "Hey ADA"
    with pytest.raises(ValueError, match="composed for each person"):
        book.wordings("BIRTHDAY", "en", [1], [ON])


@pytest.mark.parametrize("personal", ["", "{{ first_name|trim }}"])
def test_a_name_cannot_bring_a_link(personal: str):
    book = Book({("BIRTHDAY", "en"): source(f"{{{{ first_name }}}}{personal}")})
    made = book.compose("BIRTHDAY", "en", ON, Person("\ufdd0A", "L", 7))
    assert made.text == ("AA" if personal else "A")


@pytest.mark.parametrize("language", sorted(ready_languages()))
def test_all_wordings_of_a_century_are_few_and_made_once(language: str):
    book, years = Book(), range(1, 101)
    # Reading a language's rules takes a while, once in the life of a process.
    book.compose("ANNIVERSARY", language, ON, ADA)
    started = time.process_time()
    made = book.wordings("ANNIVERSARY", language, years, [ON, NEXT_DAY])
    assert time.process_time() - started < 0.1
    assert len(made) == 100
    again = book.wordings("ANNIVERSARY", language, years, [date(2028, 1, 1)])
    assert all(one is other for one, other in zip(made, again, strict=True))
    assert len(book.wordings("BIRTHDAY", language, years, [ON])) == 1
