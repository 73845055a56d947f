"""PostgreSQL's clock, read between two readings of our own."""

from datetime import timedelta

from heyday.clock import SystemClock
from heyday.db.clock import PostgresClock
from heyday.db.connection import Database, PoolConfig

SECOND = timedelta(seconds=1)


async def test_it_is_that_of_this_machine(database_url: str) -> None:
    database = Database(PoolConfig(database_url, min_size=1))
    await database.open()
    try:
        reading = await PostgresClock(database, SystemClock()).read()
    finally:
        await database.close()
    assert reading.asked_at <= reading.at <= reading.answered_at
    assert abs(reading.skew) <= reading.doubt < SECOND
    assert not reading.is_elsewhere
