"""Open the database: the company's, or Heyday's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from heyday.db.connection import PoolConfig
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.settings import Settings
from heyday.settings.choices import Pooler

log = structlog.get_logger()


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[str]:
    """Lend the URL of a running PostgreSQL: the one that is set, or Heyday's own."""
    if settings.database_url:
        yield settings.database_url
        return
    async with EmbeddedServer(EmbeddedConfig(home=settings.home), report=_report) as url:
        yield url


def _report(progress: str) -> None:
    log.info("embedded_server", progress=progress)


def pool_config(settings: Settings, url: str, *, is_server: bool) -> PoolConfig:
    """Return how the pool connects. is_server: keeps it filled."""
    return PoolConfig(
        url=url,
        min_size=settings.pool_min if is_server else 1,
        max_size=settings.pool_max,
        idle=settings.pool_idle,
        connect_timeout=settings.connect_timeout,
        patience=settings.connect_timeout,
        # As long as a worker may be silent before another takes over.
        stand_still=settings.lease,
        keeps_session=settings.pooler is Pooler.NONE,
        log_statements=settings.log_sql,
    )
