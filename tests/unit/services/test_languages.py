"""Languages, and how many people get each."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import pytest

from heyday.domain.language_ports import LocaleCounts
from heyday.domain.own_texts import OwnText, TextStore, Versions
from heyday.domain.text_ports import TextSource
from heyday.services.languages import Languages, LanguageService
from heyday.services.texts import TextService, TextShelf
from heyday.texts.binding import Library
from tests.fakes import START_AT, FakeClock

AT = datetime(2027, 1, 13, tzinfo=UTC)


class Texts:
    """A TextStore that holds one text, in Finnish."""

    async def list_versions(self) -> Versions:
        return {("BIRTHDAY", "fi"): 1}

    async def list_all(self) -> Sequence[OwnText]:
        return [OwnText("BIRTHDAY", "fi", TextSource("S", "Hei", None), 1, START_AT)]


class Locales:
    """A LocaleStore that says what it is given."""

    def __init__(self, counts: LocaleCounts | None) -> None:
        self._counts = counts

    async def count(self) -> LocaleCounts | None:
        return self._counts


async def languages(counts: LocaleCounts | None) -> Languages:
    store, library, clock = cast("TextStore", Texts()), Library(language="de"), FakeClock()
    shelf = TextShelf(store, library, clock)
    texts = TextService(store, library, shelf, clock)
    return await LanguageService(texts, shelf, Locales(counts)).list_all()


async def test_people_get_the_nearest_language_and_else_the_usual_one() -> None:
    counts = {"fi-FI": 3, "de-AT": 2, None: 5, "xx": 1, "zh-TW": 4}
    found = await languages(LocaleCounts(counts, AT))
    people = {each.tag: each.people for each in found.items if each.people}
    assert people == {"fi": 3, "de": 8, "zh-Hant": 4}
    assert [each.tag for each in found.items if each.is_usual] == ["de"]
    assert found.estimated_at == AT


async def test_where_people_are_not_counted_nothing_is_claimed() -> None:
    assert {each.people for each in (await languages(None)).items} == {None}


@pytest.mark.parametrize(("kind", "is_there"), [("BIRTHDAY", True), ("ANNIVERSARY", False)])
async def test_a_language_may_have_one_text_alone(kind: str, *, is_there: bool) -> None:
    found = await languages(None)
    (finnish,) = (each for each in found.items if each.tag == "fi")
    assert (finnish.texts[kind] is not None) is is_there
