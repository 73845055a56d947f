from collections.abc import Sequence
from datetime import date
from typing import cast

import pytest

from heyday.domain.own_texts import OwnText, TextStore, Versions
from heyday.domain.text_ports import Person
from heyday.services.texts import TextShelf
from heyday.texts.binding import Library
from tests.fakes import FakeClock

ON = date(2027, 6, 14)
ADA = Person("Ada", "Lovelace", 10)


class NoTexts:
    async def list_versions(self) -> Versions:
        return {}

    async def list_all(self) -> Sequence[OwnText]:
        return []


@pytest.mark.parametrize("has_html", [True, False])
async def test_html_is_composed_where_greetings_leave_with_it(*, has_html: bool) -> None:
    shelf = TextShelf(cast("TextStore", NoTexts()), Library(), FakeClock(), has_html=has_html)
    await shelf.refresh()
    composed = shelf.book.compose("ANNIVERSARY", "de", ON, ADA)
    (wording,) = shelf.book.wordings("ANNIVERSARY", "de", [10], [ON])
    assert [composed.html is not None, wording.html is not None] == [has_html] * 2
    assert "Ada" in composed.text
    assert "10 Jahre" in wording.text
    assert shelf.book.language_for("de-AT") == "de"
    assert not shelf.book.is_personal("BIRTHDAY", "de")
