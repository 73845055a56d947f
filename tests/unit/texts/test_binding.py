"""Whose text goes before whose, and what is there without anybody's doing."""

from datetime import date

import pytest

from heyday.domain.errors import TextRefused
from heyday.domain.text_ports import Person, TextLibrary, TextSource
from heyday.texts.binding import Library

ON, ADA = date(2027, 6, 14), Person("Ada", "Lovelace", 7)


def source(text: str) -> TextSource:
    return TextSource("S", text, None)


def test_own_texts_go_before_files_and_those_before_what_comes_with_heyday():
    files = {("BIRTHDAY", tag): source("file") for tag in ("de", "fi")}
    library: TextLibrary = Library(files)
    book = library.bind({("BIRTHDAY", "de"): source("own")})
    texts = [book.compose("BIRTHDAY", tag, ON, ADA).text for tag in ("de", "fi", "en")]
    assert texts == ["own", "file", "Hey, Ada Lovelace it's your birthday"]


def test_what_is_ready_can_be_shown_and_taken_for_a_start():
    library = Library({("BIRTHDAY", "de"): source("file")})
    ready = library.ready
    assert len(ready) == 32
    assert ready["BIRTHDAY", "de"] == source("file")
    for (message_type, language), text in ready.items():
        library.check(message_type, language, text)


def test_a_text_that_cannot_be_used_is_refused():
    with pytest.raises(TextRefused, match="text: line 1: found x, which is no place"):
        Library().check("BIRTHDAY", "de", source("{{ x }}"))


def test_company_language_and_links_are_those_of_the_library():
    library = Library(language="de", company="Co", has_links=False)
    shown = source("{{ company }}{% if unsubscribe_link %}link{% endif %}")
    book = library.bind({("BIRTHDAY", "de"): shown})
    assert book.compose("BIRTHDAY", book.language_for(None), ON, ADA).text == "Co"
