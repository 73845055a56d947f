"""Run the API as a process of its own, for whoever asks it what nobody should."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.acceptance.processes import Heyday, get, heyday
from tests.keys import bearer, key_at
from tests.rabbitmq import free_port


@dataclass(frozen=True)
class Api:
    """Hold a running API. key: one that opens all of it."""

    process: Heyday
    port: int
    key: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def is_ready(self) -> bool:
        """Tell whether it serves requests; the database may be one of other months."""
        with contextlib.suppress(aiohttp.ClientError):
            return bool((await get(f"{self.url}/health/ready"))["database"] == "ok")
        return False

    @property
    def headers(self) -> Mapping[str, str]:
        return bearer(self.key)


@contextlib.asynccontextmanager
async def running_api(database_url: str, folder: Path) -> AsyncIterator[Api]:
    """Lend the API of a database."""
    key = await key_at(database_url)
    settings = {
        "DATABASE_URL": database_url,
        "PORT": str(port := free_port()),
        "HEYDAY_API_RATE_LIMIT": "0",
        # A line for each request would only take time.
        "HEYDAY_LOG_LEVEL": "warning",
    }
    async with heyday("api", cwd=folder, **settings) as process:
        api = Api(process, port, key)
        await process.until(api.is_ready)
        yield api
