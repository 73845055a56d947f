"""What a text may ask for is explained by what comes of it, in every language."""

from datetime import date

import pytest

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.text_ports import TextSource
from heyday.texts.ready import ready_languages
from heyday.texts.text import make_text
from heyday.texts.vocabulary import FILTERS, UNSUBSCRIBE_LINK, places_of
from heyday.web.text_examples import explain

ON = date(2027, 6, 14)


@pytest.mark.parametrize("language", [*sorted(ready_languages()), "fi", "sr-Latn"])
@pytest.mark.parametrize("message_type", [each.name for each in MESSAGE_TYPES])
def test_everything_that_may_be_asked_for_is_explained(message_type: str, language: str) -> None:
    words = explain(message_type, language, ON)
    assert [each.name for each in words.places] == [
        name for name in places_of(message_type) if name != UNSUBSCRIBE_LINK
    ]
    assert [each.name for each in words.filters] == list(FILTERS)
    assert all(each.comes_of_it for each in (*words.places, *words.filters, *words.conditions))
    plural = f"{{% if years %}}{words.plural}{{% endif %}}."
    assert make_text(message_type, language, TextSource("S", plural, None)).has_years


def test_examples_speak_the_language() -> None:
    words = explain("BIRTHDAY", "de", ON)
    assert {each.name: each.comes_of_it for each in words.places} == {
        "first_name": "Jana",
        "last_name": "Brückner",
        "full_name": "Jana Brückner",
        "date": "14. Juni 2027",
        "company": "Northwind",
        "years": "10",
        "age": "10",
    }
    assert words.plural_forms == ("one", "other")
    assert explain("BIRTHDAY", "ja", ON).places[2].comes_of_it == "山田 花子"
