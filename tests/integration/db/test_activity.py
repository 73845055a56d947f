"""PostgreSQL tells for how long somebody's transaction has been open."""

from datetime import timedelta

from heyday.db.activity import PostgresActivity
from heyday.db.connection import Database, PoolConfig, connect


async def test_an_open_transaction_ages_until_it_ends(database_url: str) -> None:
    database = Database(PoolConfig(database_url, min_size=1, max_size=1))
    await database.open()
    somebody = await connect(database_url)
    try:
        activity = PostgresActivity(database)
        assert await activity.find_oldest_transaction() == timedelta()
        transaction = somebody.transaction(isolation="repeatable_read")
        await transaction.start()
        await somebody.fetch("SELECT count(*) FROM users")
        first = await activity.find_oldest_transaction()
        second = await activity.find_oldest_transaction()
        assert timedelta() < first < second < timedelta(minutes=1)
        await transaction.rollback()
        assert await activity.find_oldest_transaction() == timedelta()
    finally:
        await somebody.close()
        await database.close()
