"""Hand texts to the planning statements: most as patterns, some composed for each person."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg

from heyday.db import queries
from heyday.db.types import PooledConnection
from heyday.domain.text_choice import TextChoice
from heyday.domain.text_ports import Person

_QUERIES = queries.load("plans")
_TABLE = "composed_texts"
_COLUMNS = ("person_id", "day", "language", "subject", "text", "html")
# Whom a text is composed for is read, composed and brought so many at a time.
_PORTION = 1000
# Where the numbers of texts begin that are composed for each person: no other is so high.
_PERSONAL = 1_000_000
# `worded` in db/sql/plans.sql: what all years and days are if no text depends on them.
_ANY = 0
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
        "language": _QUERIES["language"].text,
    }
    if not is_composed:
        return {**filled, "texts": "", "composed": ""}
    joined = (
        f"LEFT JOIN {_TABLE} c ON number >= {_PERSONAL} AND c.person_id = user_id "
        "AND c.day = delivery_date"
    )
    either = {name: f"coalesce(c.{name}, {value})" for name, value in filled.items()}
    return {**either, "texts": joined, "composed": _QUERIES["composed"].text}


@dataclass(frozen=True, slots=True)
class TextArrays:
    """Hold a choice of texts as values of a statement.

    locales: $7.   numbers: $10 to $14.   texts: $20 to $23, each a JSON array.
    """

    locales: list[object]
    numbers: list[object]
    texts: list[str]


def arrays(choice: TextChoice) -> TextArrays:
    """Return a choice of texts as values."""
    years = sorted({each.years for each in choice.wordings if each.years is not None})
    days = sorted({each.on for each in choice.wordings if each.on is not None})
    of_language: dict[str, list[tuple[int, int, int]]] = {
        language: [(years_of, day, number) for years_of in years or [_ANY] for day in _days(days)]
        for number, language in _personal(choice).items()
    }
    for number, each in enumerate(choice.wordings):
        for years_of in [each.years] if each.years is not None else years or [_ANY]:
            for day in _days([each.on] if each.on is not None else days):
                of_language.setdefault(each.language, []).append((years_of, day, number))
    places = [
        (locale or "", *place)
        for locale, language in choice.languages.items()
        for place in of_language.get(language, ())
    ]
    locales, *others = _columns(places, 4)
    texts = [(each.language, each.subject, each.text, each.html) for each in choice.wordings]
    return TextArrays(
        locales,
        [int(bool(years)), int(bool(days)), *others],
        [json.dumps(column, ensure_ascii=False) for column in _columns(texts, 4)],
    )


def _personal(choice: TextChoice) -> dict[int, str]:
    """Return languages whose texts are composed for each person, by numbers that no text has."""
    return dict(enumerate(sorted(choice.personal), start=_PERSONAL))


def _days(days: Sequence[date]) -> list[int]:
    """Return days as `worded` counts them; one that stands for any, if there are none."""
    return [(on - _EPOCH).days for on in days] or [_ANY]


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
    languages = _personal(choice)
    await connection.execute(_QUERIES["make_room"].text)
    people = await connection.cursor(query, *values)
    while rows := await people.fetch(_PORTION):
        texts = [_composed(choice, languages[row["number"]], row) for row in rows]
        await connection.copy_records_to_table(
            _TABLE, schema_name="pg_temp", records=texts, columns=_COLUMNS
        )


def _composed(choice: TextChoice, language: str, row: asyncpg.Record) -> tuple[object, ...]:
    on = row["delivery_date"]
    person = Person(row["first_name"], row["last_name"], row["years"])
    spoken, text = choice.compose(language, on, person)
    return (row["user_id"], on, spoken, text.subject, text.text, text.html)
