"""The texts that come with Heyday: in every language, for every count, for names of all scripts."""

import re
from datetime import date
from html.parser import HTMLParser

import pytest

from heyday.domain.message_types import ANNIVERSARY, BIRTHDAY, MESSAGE_TYPES, MessageType
from heyday.domain.text_ports import UNSUBSCRIBE_PLACE, YEARS_UNKNOWN, Composed, Person
from heyday.texts.book import Book
from heyday.texts.languages import is_right_to_left
from heyday.texts.ready import find_ready, ready_languages
from heyday.texts.samples import sample_name

LANGUAGES = sorted(ready_languages())
ON = date(2027, 6, 14)
COMPANY = "Zwei & Söhne"
# Latin, with accents, Vietnamese, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic, Devanagari,
# Bengali, Tamil, Telugu, Thai, Lao, Khmer, Burmese, Amharic, Han, Kana, Hangul, Cherokee.
NAMES = [
    ("Ada", "Lovelace"),
    ("Zoë", "O'Brien-Ólafsdóttir"),
    ("Nguyễn", "Phước"),
    ("Ελένη", "Παπαδοπούλου"),
    ("Наталія", "Щербак"),
    ("Անահիտ", "Հակոբյան"),
    ("თამარ", "ბერიძე"),
    ("נֹעַם", "לוי"),
    ("عبد الرحمن", "الخوارزمي"),
    ("मीरा", "शर्मा"),
    ("অনিতা", "সেন"),
    ("தமிழ்", "செல்வி"),
    ("లక్ష్మి", "రావు"),
    ("สมชาย", "ใจดี"),
    ("ບຸນມີ", "ສີສະຫວັດ"),
    ("សុខា", "ចាន់"),
    ("အောင်", "ဆန်း"),
    ("ሰላም", "ተስፋዬ"),
    ("静怡", "王"),
    ("はなこ", "ヤマダ"),
    ("지우", "김"),
    ("ᏣᎳᎩ", "ᏔᎵ"),
]
VOID = {"meta"}


class Page(HTMLParser):
    """Read a page, and see that what is opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.words = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes[tag] = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"title", "a"}:
            self.words += data


def greeting(message_type: str, language: str, person: Person, company: str = "") -> Composed:
    return Book(company=company).compose(message_type, language, ON, person)


def words(text: str) -> list[str]:
    return re.sub("[\u2066-\u2069]", "", text).split()


def test_there_are_texts_in_these_languages():
    wanted = "ar de en es fr hi id it ja ko nl pl pt tr zh zh-Hant"
    assert wanted.split() == LANGUAGES
    for folder in ready_languages().values():
        parts = {"subject.txt"} | ({"txt"} if folder.name != "en" else set())
        names = {f"{t.name.lower()}.{part}" for t in MESSAGE_TYPES for part in parts}
        assert {path.name for path in folder.iterdir()} == {*names, "unsubscribe.txt"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message_type", MESSAGE_TYPES, ids=lambda t: t.name)
def test_names_of_all_scripts_are_greeted(message_type: MessageType, language: str):
    for first, last in NAMES:
        made = greeting(message_type.name, language, Person(first, last, 7))
        assert first in made.subject
        assert first in made.text
        assert made.html
        page = Page(made.html)
        assert words(page.words) == words(made.text)
        is_rtl = "rtl" if is_right_to_left(language) else "ltr"
        assert page.attributes["html"] == {"lang": language, "dir": is_rtl}
        assert page.attributes["a"]["href"] == UNSUBSCRIBE_PLACE


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message_type", MESSAGE_TYPES, ids=lambda t: t.name)
def test_a_text_is_plain_whoever_it_is_for_and_without_the_year(
    message_type: MessageType, language: str
):
    for years in (*range(message_type.first_year, 151), YEARS_UNKNOWN):
        made = greeting(message_type.name, language, Person("Ada", "Lovelace", years))
        everything = "".join((made.subject, made.text, made.html or ""))
        assert not re.search(r"\{|\}|#(?![0-9a-f]{6}|39;)|%[12]", everything)
        assert "  " not in made.text
        assert "\n\n\n" not in made.text
        assert made.text == made.text.strip()
        assert Page(made.html or "").words.split() == words(made.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_company_signs_where_it_has_a_name(language: str):
    person = Person(*sample_name(language), 3)
    made = greeting("ANNIVERSARY", language, person, COMPANY)
    # The English text is that of the declaration, which has no signature.
    is_signed = language != "en"
    assert made.text.endswith(f"\n\n{COMPANY}") is is_signed
    assert ("Zwei &amp; Söhne</p>" in (made.html or "")) is is_signed


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message_type", MESSAGE_TYPES, ids=lambda t: t.name)
def test_html_is_small_and_readable_in_the_dark(message_type: MessageType, language: str):
    ready = find_ready(message_type.name, language)
    assert ready
    html = ready.html or ""
    assert len(html.encode()) <= 1500
    assert 'name="color-scheme" content="light dark"' in html
    # A colour of text or ground would be right in one of the two only.
    assert not re.search(r"[;\"](color|background(-color)?):(?!inherit)", html)


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_links_there_is_no_footer(language: str):
    made = Book(has_links=False).compose("BIRTHDAY", language, ON, Person("Ada", "Lovelace", 7))
    assert "<a " not in (made.html or "")
    assert UNSUBSCRIBE_PLACE not in (made.html or "")


@pytest.mark.parametrize(
    ("message_type", "years", "text"),
    [
        (BIRTHDAY, 0, "Hey, Ada Lovelace it's your birthday"),
        (BIRTHDAY, YEARS_UNKNOWN, "Hey, Ada Lovelace it's your birthday"),
        (ANNIVERSARY, 1, "Hey, Ada Lovelace it's your work anniversary! 1 year with us!"),
        (ANNIVERSARY, 2, "Hey, Ada Lovelace it's your work anniversary! 2 years with us!"),
        (ANNIVERSARY, YEARS_UNKNOWN, "Hey, Ada Lovelace it's your work anniversary!"),
    ],
)
def test_english_says_what_was_always_said(message_type: MessageType, years: int, text: str):
    assert greeting(message_type.name, "en", Person("Ada", "Lovelace", years)).text == text


@pytest.mark.parametrize(
    ("language", "years", "said"),
    [
        ("ar", 1, "سنة واحدة معنا!"),
        ("ar", 2, "سنتان معنا!"),
        ("ar", 3, "3 سنوات معنا!"),
        ("ar", 11, "11 سنة معنا!"),
        ("ar", 100, "100 سنة معنا!"),
        ("pl", 1, "To już 1 rok z nami!"),
        ("pl", 3, "To już 3 lata z nami!"),
        ("pl", 5, "To już 5 lat z nami!"),
        ("de", 1, "1 Jahr bei uns!"),
        ("fr", 2, "2 ans avec nous\N{NO-BREAK SPACE}!"),
        ("ja", 10, "入社10周年です！"),
    ],
)
def test_years_are_counted_as_the_language_does(language: str, years: int, said: str):
    text = greeting("ANNIVERSARY", language, Person("Ada", "Lovelace", years)).text
    assert said in text.splitlines()
