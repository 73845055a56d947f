"""The texts that need no library: what they say, and what they take."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.errors import InvalidInput
from heyday.domain.seed_texts import SeedBook, SeedLibrary, escape_html, fill
from heyday.domain.text_ports import YEARS_UNKNOWN, Person, TextSource

ON = date(2027, 1, 15)
ADA = Person("Ada", "Lovelace", 5)
GERMAN = TextSource("Für {first_name}", "100 % {{{last_name}}}", "<b>%s</b>")


@pytest.mark.parametrize(
    ("message_type", "years", "text"),
    [
        ("BIRTHDAY", 37, "Hey, Ada Lovelace it's your birthday"),
        ("ANNIVERSARY", 2, "Hey, Ada Lovelace it's your work anniversary! 2 years with us!"),
        ("ANNIVERSARY", 1, "Hey, Ada Lovelace it's your work anniversary! 1 year with us!"),
        ("ANNIVERSARY", YEARS_UNKNOWN, "Hey, Ada Lovelace it's your work anniversary!"),
    ],
)
def test_the_declared_texts_are_said(message_type: str, years: int, text: str) -> None:
    person = Person("Ada", "Lovelace", years)
    composed = SeedBook().compose(message_type, "en", ON, person)
    assert (composed.subject, composed.text, composed.html) == ("", text, None)


def test_a_plain_text_is_said_with_its_names_alone_filled_in() -> None:
    composed = SeedBook({("BIRTHDAY", "de"): GERMAN}).compose("BIRTHDAY", "de", ON, ADA)
    assert (composed.subject, composed.text) == ("Für Ada", "100 % {Lovelace}")
    assert composed.html == "<b>%s</b>"


@pytest.mark.parametrize(
    ("locale", "language"),
    [(None, "en"), ("de", "de"), ("de-AT-1996", "de"), ("fr", "en"), ("d", "en"), ("den", "en")],
)
def test_a_language_is_that_which_a_locale_begins_with(locale: str | None, language: str) -> None:
    assert SeedBook({("BIRTHDAY", "de"): GERMAN}).language_for(locale) == language


def test_years_are_asked_for_only_where_they_are_counted() -> None:
    book = SeedBook()
    assert len(book.wordings("BIRTHDAY", "en", range(100), [ON])) == 1
    assert len(book.wordings("ANNIVERSARY", "en", range(1, 100), [ON])) == 99


@pytest.mark.parametrize(
    ("field", "value"),
    [("subject", "{nickname}"), ("text", "{n} years"), ("html", "{first_name"), ("text", "}")],
)
def test_what_cannot_be_filled_is_refused_by_its_field(field: str, value: str) -> None:
    fields = {"subject": "x", "text": "x", "html": None, field: value}
    with pytest.raises(InvalidInput) as caught:
        SeedLibrary().check("BIRTHDAY", "de", TextSource(**fields))  # type: ignore[arg-type]
    assert [problem.field for problem in caught.value.problems] == [field]


def test_what_can_be_filled_is_taken() -> None:
    library = SeedLibrary()
    library.check("BIRTHDAY", "de", GERMAN)
    assert library.bind({("BIRTHDAY", "de"): GERMAN}).language_for("de") == "de"
    assert set(library.ready) == {("BIRTHDAY", "en"), ("ANNIVERSARY", "en")}


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_name_is_never_read_as_a_place(first: str, last: str) -> None:
    assert fill("%%1$s %1$s%% %2$s", first, last) == f"%1$s {first}% {last}"


def test_names_are_escaped_as_html() -> None:
    assert escape_html("<a href='x'>\"&amp;") == "&lt;a href=&#39;x&#39;&gt;&#34;&amp;amp;"
