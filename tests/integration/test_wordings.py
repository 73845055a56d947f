"""PostgreSQL fills wordings in as the book composes greetings, whatever a name holds."""

from datetime import date

import asyncpg
import pytest

from heyday.domain.text_ports import YEARS_UNKNOWN, Composed, Person, TextSource
from heyday.texts.book import Book

ON = date(2027, 6, 14)
OWN = "100 % %1$s %% {{ full_name }}{% if years %} {{ years }}{% endif %}, {{ date }}"
BOOK = Book(
    {("BIRTHDAY", "fi"): TextSource("{{ last_name }} %s", OWN, f"<p title='{OWN}'>{OWN}</p>")}
)
FILL = """
    SELECT format($1::text, p.first, p.last), format($2::text, p.first, p.last),
           format($3::text, p.first_escaped, p.last_escaped)
    FROM (SELECT $4::text AS first, $5::text AS last, {} AS first_escaped, {} AS last_escaped) AS p
"""
NAMES = [
    ("%1$s", "%2$s"),
    ("%", "%%"),
    ("{{ last_name }}", "{% if %}"),
    ("<b>&amp;", 'O\'Neil "x"'),
    ("\u202eevil\u2066", "\\1$1"),
    ("ليلى", "山田"),
    ("\ufdd0\ufdd1", "\ufdd2"),
    ("", " "),
]


def escaped(value: str) -> str:
    """Return SQL that escapes a value for HTML as Wording says."""
    for raw, entity in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "#34"), ("''", "#39")):
        value = f"replace({value}, '{raw}', '&{entity};')"
    return value


@pytest.mark.parametrize("names", NAMES, ids=repr)
@pytest.mark.parametrize("language", ["fi", "en", "ja", "ar"])
async def test_both_ways_come_to_the_same(
    database_url: str, language: str, names: tuple[str, str]
) -> None:
    # What stands for a link is taken out of a name before it is filled in.
    first, last = (name.replace("\ufdd0", "") for name in names)
    connection = await asyncpg.connect(database_url)
    try:
        for years in (YEARS_UNKNOWN, 1, 3):
            (wording,) = BOOK.wordings("BIRTHDAY", language, [years], [ON])
            row = await connection.fetchrow(
                FILL.format(escaped("$4::text"), escaped("$5::text")),
                wording.subject, wording.text, wording.html, first, last,
            )  # fmt: skip
            composed = BOOK.compose("BIRTHDAY", language, ON, Person(*names, years))
            assert row
            assert Composed(*row) == composed
    finally:
        await connection.close()
