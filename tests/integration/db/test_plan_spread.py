"""PostgreSQL gives each greeting the second that Python gives it."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heyday.db import plan_spread
from heyday.db.types import AnyConnection
from heyday.domain.policies import LONGEST_SPREAD
from heyday.domain.spreading import offset_of

SECOND = timedelta(seconds=1)
MANY = 5_000


async def offsets(connection: AnyConnection, keys: list[str], spreads: list[int]) -> list[int]:
    """Return by how many seconds the statements would put these greetings off."""
    offset = plan_spread._offset("key", "spread")  # noqa: SLF001 - a fragment of statements
    rows = await connection.fetch(
        f"SELECT {offset} AS seconds FROM unnest($1::text[], $2::smallint[]) "  # noqa: S608 - ours
        "WITH ORDINALITY AS asked (key, spread, number) ORDER BY number",
        keys,
        spreads,
    )
    return [row["seconds"] for row in rows]


async def test_they_agree_for_the_keys_of_rows(connection: AnyConnection) -> None:
    keys = await connection.fetchval(
        "SELECT array_agg(gen_random_uuid() || ':BIRTHDAY:' || date '2027-01-01' + n) "
        "FROM generate_series(1, $1::integer) n",
        MANY,
    )
    seconds = [1 + n * 14_399 // (MANY - 1) for n in range(MANY)]
    found = await offsets(connection, keys, seconds)
    assert found == [
        offset_of(key, spread * SECOND) // SECOND for key, spread in zip(keys, seconds, strict=True)
    ]
    assert all(0 <= offset < spread for offset, spread in zip(found, seconds, strict=True))


async def test_they_agree_for_any_keys(connection: AnyConnection) -> None:
    """In groups, as each question costs a round trip. NUL is the one letter it does not take."""
    texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
    cases = st.lists(st.tuples(texts, st.integers(0, LONGEST_SPREAD // SECOND)), max_size=200)
    drawn: list[tuple[str, int]] = []

    @settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(cases)
    def draw(some: list[tuple[str, int]]) -> None:
        drawn.extend(some)

    draw()
    keys, seconds = [key for key, _ in drawn], [spread for _, spread in drawn]
    assert len(keys) > 100
    assert await offsets(connection, keys, seconds) == [
        offset_of(key, spread * SECOND) // SECOND for key, spread in drawn
    ]


async def test_the_send_time_is_found_again_from_a_row(connection: AnyConnection) -> None:
    nine = datetime(2027, 1, 14, 9, tzinfo=UTC)
    keys = [f"{n}:BIRTHDAY:{date(2027, 1, 14)}" for n in range(200)]
    spreads = [None if n % 3 == 0 else 60 * n for n in range(200)]
    rows = await connection.fetch(
        f"SELECT {plan_spread.fragments(spread=True)['planned_at']} AS planned_at "  # noqa: S608
        "FROM unnest($1::text[], $2::smallint[], $3::timestamptz[]) "
        "AS m (idempotency_key, spread, scheduled_send_time)",
        keys,
        spreads,
        [
            nine + offset_of(key, plan_spread.read_spread(spread))
            for key, spread in zip(keys, spreads, strict=True)
        ],
    )
    assert {row["planned_at"] for row in rows} == {nine}
