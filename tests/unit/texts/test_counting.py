"""Plural forms and ordinals of every language that comes with Heyday."""

import pytest

from heyday.texts.counting import known_forms, needed_forms, ordinal, own_ordinals, plural
from heyday.texts.ready import ready_languages

# A number for each category that the language counts years with. Source: CLDR 46, plurals.xml.
COUNTED = {
    "ar": {"zero": 0, "one": 1, "two": 2, "few": 103, "many": 111, "other": 100},
    "de": {"one": 1, "other": 2},
    "en": {"one": 1, "other": 0},
    "es": {"one": 1, "other": 21},
    "fr": {"one": 0, "other": 2},
    "hi": {"one": 0, "other": 2},
    "id": {"other": 1},
    "it": {"one": 1, "other": 11},
    "ja": {"other": 1},
    "ko": {"other": 1},
    "nl": {"one": 1, "other": 2},
    "pl": {"one": 1, "few": 22, "many": 12},
    "pt": {"one": 0, "other": 2},
    "tr": {"one": 1, "other": 2},
    "zh": {"other": 1},
    "zh-Hant": {"other": 1},
}
CASES = [(tag, name, n) for tag, counted in COUNTED.items() for name, n in counted.items()]


def test_every_language_is_counted_in():
    assert set(COUNTED) == set(ready_languages())
    assert {tag: set(counted) for tag, counted in COUNTED.items()} == {
        tag: set(needed_forms("plural", tag)) for tag in COUNTED
    }


@pytest.mark.parametrize(("language", "category", "number"), CASES)
def test_every_category_gets_its_form(language: str, category: str, number: int):
    forms = {name: f"# {name}" for name in known_forms("plural", language)}
    assert plural(language, number, forms) == f"{number} {category}"


@pytest.mark.parametrize(
    ("number", "form"),
    [
        (1, "1 rok"),
        (2, "2 lata"),
        (4, "4 lata"),
        (5, "5 lat"),
        (12, "12 lat"),
        (21, "21 lat"),
        (22, "22 lata"),
        (112, "112 lat"),
        (122, "122 lata"),
    ],
)
def test_polish(number: int, form: str):
    assert plural("pl", number, {"one": "# rok", "few": "# lata", "many": "# lat"}) == form


def test_a_number_of_a_category_without_a_form_gets_another():
    assert plural("fr", 1_000_000, {"one": "# an", "other": "# ans"}) == "1000000 ans"
    assert plural("pl", 1, {"few": "# lata", "many": "# lat"}) == "1 lat"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 111th"),
        ("de", "1. 2. 3. 4. 11. 12. 13. 21. 22. 111."),
        ("fr", "1er 2e 3e 4e 11e 12e 13e 21e 22e 111e"),
        ("es", "1.er 2.º 3.er 4.º 11.º 12.º 13.er 21.er 22.º 111.º"),
        ("it", "1º 2º 3º 4º 11º 12º 13º 21º 22º 111º"),
        ("hi", "1ला 2रा 3रा 4था 11वाँ 12वाँ 13वाँ 21वाँ 22वाँ 111वाँ"),
        ("zh-Hant", "第1 第2 第3 第4 第11 第12 第13 第21 第22 第111"),
    ],
)
def test_ordinals(language: str, said: str):
    numbers = (1, 2, 3, 4, 11, 12, 13, 21, 22, 111)
    assert " ".join(ordinal(language, n, {}) for n in numbers) == said


def test_every_language_has_ordinals_for_all_it_counts():
    for tag in COUNTED:
        own = own_ordinals(tag)
        assert own
        assert all(name in own or "other" in own for name in needed_forms("ordinal", tag))


def test_a_language_that_nobody_knows_counts_with_one_form():
    assert needed_forms("plural", "qqq") == known_forms("ordinal", "qqq") == ("other",)
    assert own_ordinals("qqq") == {}
