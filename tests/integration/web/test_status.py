"""The page that says how Heyday is, over what PostgreSQL tells."""

from datetime import timedelta

import httpx
import pytest

from heyday.db.condition import PostgresCondition
from heyday.domain.errors import DatabaseUnavailable
from tests.factories import Pipeline

DAY = timedelta(days=1)


async def test_months_have_rows_once_postgresql_has_counted(pipeline: Pipeline) -> None:
    await pipeline.create(birthday_date="1990-01-14", timezone="Europe/London")
    condition = PostgresCondition(pipeline.database)
    before = await condition.read_facts(pipeline.clock.now())
    await pipeline.execute("ANALYZE message_logs")
    after = await condition.read_facts(pipeline.clock.now())
    assert {month.rows for month in before.months} == {None}
    rows = {f"{month.month:%Y-%m}": month.rows for month in after.months}
    assert (rows["2027-01"], rows["2027-02"]) == (1, 0)
    assert all(month.size > 0 for month in after.months)
    assert after.size > sum(month.size for month in after.months)


async def test_what_needs_a_decision_is_counted(pipeline: Pipeline) -> None:
    for number in range(3):
        await pipeline.create(
            email=f"{number}@example.com", birthday_date="1990-01-14", timezone="UTC"
        )
    await pipeline.execute(
        "UPDATE message_logs m SET status = s FROM (SELECT id, (ARRAY['UNKNOWN', 'FAILED', "
        "'FAILED'])[row_number() OVER (ORDER BY id)] AS s FROM message_logs) x WHERE x.id = m.id"
    )
    condition = PostgresCondition(pipeline.database)
    facts = await condition.read_facts(pipeline.clock.now())
    assert facts.failed == 2
    assert (await condition.read_facts(pipeline.clock.now() + DAY)).failed == 0


async def test_the_page_comes_while_postgresql_is_away(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await client.get("/status")).status_code == httpx.codes.OK

    async def refuse(*_: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(PostgresCondition, "read_facts", refuse)
    assert "PostgreSQL answers, but does not tell" in (await client.get("/status")).text
    monkeypatch.setattr(PostgresCondition, "read_schema", refuse)
    page = await client.get("/status")
    assert page.status_code == httpx.codes.OK
    assert "PostgreSQL does not answer. Nothing is planned or sent meanwhile." in page.text


async def test_the_page_says_when_a_scheduler_runs_next_and_what_the_schema_lacks(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.daily.run_once()
    assert "The database has revision" not in (await client.get("/status")).text
    await pipeline.execute("UPDATE alembic_version SET version_num = '0001'")
    page = (await client.get("/status")).text
    assert "The database has revision 0001; this release needs" in page
    assert "Bring it up to date: heyday db migrate." in page
    assert "2027-01-15T00:00:00" in page
