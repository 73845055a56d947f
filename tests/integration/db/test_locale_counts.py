"""People by locale: counted where there are few, projected from a sample where there are many."""

from heyday.db.locales import LocaleRepository
from heyday.domain.language_ports import LocaleCounts
from tests.factories import Pipeline


async def test_a_few_are_counted(pipeline: Pipeline) -> None:
    for locale in ("de", "de", "fi", None):
        await pipeline.create(locale=locale)
    gone = await pipeline.create(locale="de")
    await pipeline.users.delete(gone.id)
    found = await LocaleRepository(pipeline.database, most_counted=4).count()
    assert found == LocaleCounts({"de": 2, "fi": 1, None: 1})


async def test_many_are_projected_from_the_last_sample(pipeline: Pipeline) -> None:
    counts = LocaleRepository(pipeline.database, most_counted=99)
    await pipeline.execute(
        "INSERT INTO users (first_name, last_name, email, timezone, locale) "
        "SELECT 'A', 'B', n || '@example.com', 'UTC', CASE WHEN n <= 60 THEN 'de' "
        "WHEN n <= 90 THEN 'fi' END FROM generate_series(1, 120) AS n"
    )
    assert await counts.count() is None
    await pipeline.execute("ANALYZE users")
    await pipeline.execute("SELECT pg_stat_force_next_flush()")
    found = await counts.count()
    assert found is not None
    assert found.by_locale == {"de": 60, "fi": 30, None: 30}
    assert found.estimated_at is not None
