"""Which letters are one in a search: as the database's locale has it, and at least as typed."""

from collections.abc import AsyncIterator, Iterator
from typing import cast
from uuid import uuid4

import asyncpg
import pytest

from heyday.db import migrate
from heyday.db.types import AnyConnection, PooledConnection
from heyday.db.users import UserRepository
from heyday.domain.finding import parse_search
from tests.fakes import START_AT
from tests.postgres import Administrator, database_at

LOCALES = {
    "C": "LOCALE 'C'",
    "C.UTF-8": "LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'",
    "Turkish": "LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'",
}
PERSON = "INSERT INTO users (first_name, last_name, email, timezone) VALUES ($1, 'X', $2, 'UTC')"
NAMES = ("Élodie", "éÉé", "İpek", "Işık", "Ibis")


@pytest.fixture(scope="module", params=LOCALES)
def located(
    request: pytest.FixtureRequest, postgres_url: str, administrator: Administrator
) -> Iterator[tuple[str, str]]:
    """A locale, and the URL of a migrated database of it."""
    name = f"heyday_locale_{uuid4().hex[:8]}"
    options = f"TEMPLATE template0 ENCODING 'UTF8' {LOCALES[request.param]}"
    try:
        administrator.execute(f"CREATE DATABASE {name} {options}")
    except asyncpg.PostgresError as error:
        pytest.skip(f"this server has no such locale: {type(error).__name__}")
    url = database_at(postgres_url, name)
    administrator.runner.run(migrate.upgrade(url, START_AT))
    yield request.param, url
    administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def people(located: tuple[str, str]) -> AsyncIterator[tuple[str, AnyConnection]]:
    """A locale, and a connection to a database of it with one person for each name."""
    locale, url = located
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    for number, name in enumerate(NAMES):
        await connection.execute(PERSON, name, f"{number}@example.com")
    yield locale, connection
    await connection.close()


@pytest.mark.parametrize(
    ("query", "ascii_alone", "unicode", "turkish"),
    [
        ("élodie", {"Élodie"}, {"Élodie"}, {"Élodie"}),
        ("ÉLODIE", {"Élodie"}, {"Élodie"}, {"Élodie"}),
        ("ééé", set(), {"éÉé"}, {"éÉé"}),
        ("éÉé", {"éÉé"}, {"éÉé"}, {"éÉé"}),
        ("ipek", set(), None, {"İpek"}),
        ("İpek", {"İpek"}, {"İpek"}, {"İpek"}),
        ("Işı", {"Işık"}, {"Işık"}, {"Işık"}),
        ("ış", {"Işık"}, {"Işık"}, {"Işık"}),
        ("ib", {"Ibis"}, {"Ibis"}, set()),
        ("Ib", {"Ibis"}, {"Ibis"}, {"Ibis"}),
    ],
)
async def test_a_name_is_found_as_the_locale_has_it(
    people: tuple[str, AnyConnection],
    query: str,
    ascii_alone: set[str],
    unicode: set[str] | None,
    turkish: set[str],
) -> None:
    locale, connection = people
    users = UserRepository(cast("PooledConnection", connection))
    found = {user.first_name for user in await users.search(parse_search({"query": query}), 10)}
    expected = {"C": ascii_alone, "C.UTF-8": unicode, "Turkish": turkish}[locale]
    # Whether a dotted capital I is an i outside of Turkey is a matter of the C library.
    assert found == expected or expected is None
