"""Hand texts to the planning statements: most as patterns, some composed for each person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg

from heyday.db import queries
from heyday.db.types import PooledConnection
from heyday.domain.text_choice import TextChoice
from heyday.domain.text_ports import Person, Wording

_QUERIES = queries.load("plans")
_TABLE = "composed_texts"
_COLUMNS = ("person_id", "day", "language", "subject", "text", "html")
# Whom a text is composed for is read, composed and brought so many at a time.
_PORTION = 1000
# `worded` in db/sql/plans.sql: 0 stands for any number of years; -1 is that of an unknown year.
_ANY, _FIRST = 0, 2
_EPOCH = date(2000, 1, 1)


def fragments(*, is_composed: bool) -> dict[str, str]:
    """Return what the planning statements say of texts.

    is_composed: whether some texts are composed for each person, and lie in a table of their own.
    """
    names = {name: _QUERIES["escaped"].fill({"name": name}) for name in ("first_name", "last_name")}
    filled = {
        "subject": _QUERIES["subject"].text,
        "text": _QUERIES["text"].text,
        "html": _QUERIES["html"].fill(names),
        "language": "t.language",
    }
    texts = _QUERIES["texts"].text
    if not is_composed:
        return {**filled, "texts": f"JOIN {texts} USING (number)", "composed": ""}
    joined = (
        f"LEFT JOIN {texts} USING (number)\n"
        f"LEFT JOIN {_TABLE} c ON due.number = 0 AND c.person_id = user_id "
        "AND c.day = delivery_date"
    )
    either = {name: f"coalesce(c.{name}, {value})" for name, value in filled.items()}
    return {**either, "texts": joined, "composed": _QUERIES["composed"].text}


@dataclass(frozen=True, slots=True)
class TextArrays:
    """Hold a choice of texts as arrays. numbers: $10 to $16.   texts: $22 to $25."""

    locales: list[str]
    numbers: list[list[object]]
    texts: list[list[object]]


def arrays(choice: TextChoice) -> TextArrays:
    """Return a choice of texts as arrays."""
    by_years = {each.language for each in choice.wordings if each.years is not None}
    by_days = {each.language for each in choice.wordings if each.on is not None}
    languages = list(choice.languages.values())
    places = [
        (each.language, years, day, number)
        for number, each in enumerate(choice.wordings, start=1)
        for years, day in _places(each, choice.wordings, by_years, by_days)
    ]
    places += [(language, _ANY, _ANY, 0) for language in sorted(choice.personal)]
    texts = [(each.language, each.subject, each.text, each.html) for each in choice.wordings]
    numbers: list[list[object]] = [
        list(languages),
        [int(language in by_years) for language in languages],
        [int(language in by_days) for language in languages],
        *_columns(places, 4),
    ]
    return TextArrays([locale or "" for locale in choice.languages], numbers, _columns(texts, 4))


def _places(
    wording: Wording, all_of_them: Sequence[Wording], by_years: set[str], by_days: set[str]
) -> list[tuple[int, int]]:
    """Return the years and days that a wording serves, as `worded` counts them."""
    language = wording.language
    years: list[int] = [_ANY]
    if wording.years is not None:
        years = [wording.years + _FIRST]
    elif language in by_years:
        others = {w.years for w in all_of_them if w.language == language and w.years is not None}
        years = [number + _FIRST for number in sorted(others)]
    days: list[int] = [_ANY]
    if wording.on is not None:
        days = [(wording.on - _EPOCH).days]
    elif language in by_days:
        found = {w.on for w in all_of_them if w.language == language and w.on is not None}
        days = [(on - _EPOCH).days for on in sorted(found)]
    return [(number, day) for number in years for day in days]


def _columns(rows: Sequence[tuple[object, ...]], count: int) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]


async def compose(
    connection: PooledConnection,
    choice: TextChoice,
    query: str,
    values: Sequence[object],
) -> None:
    """Compose what `query` lists, person by person, and lay it ready for the plan.

    Only a portion is ever in memory. Call it in the transaction of the plan.
    """
    await connection.execute(_QUERIES["make_room"].text)
    people = await connection.cursor(query, *values)
    while rows := await people.fetch(_PORTION):
        texts = [_composed(choice, row) for row in rows]
        await connection.copy_records_to_table(
            _TABLE, schema_name="pg_temp", records=texts, columns=_COLUMNS
        )


def _composed(choice: TextChoice, row: asyncpg.Record) -> tuple[object, ...]:
    on, language = row["delivery_date"], row["language"]
    person = Person(row["first_name"], row["last_name"], row["years"])
    spoken, text = choice.compose(language, on, person)
    return (row["user_id"], on, spoken, text.subject, text.text, text.html)
