"""API keys as those meet them who run Heyday and who call it: processes of their own."""

import asyncio
import time
from pathlib import Path

import aiohttp

from tests.acceptance.processes import Finished, Heyday, heyday, run
from tests.keys import bearer

ACTS_WITHIN = 5.0


async def keys(*words: str, cwd: Path, **settings: str) -> Finished:
    """Run `heyday keys`."""
    done = await asyncio.to_thread(run, "keys", *words, cwd=cwd, **settings)
    assert done.status == 0, done.err
    return done


async def status(url: str, key: str) -> int:
    async with (
        aiohttp.ClientSession(headers=bearer(key)) as session,
        session.get(f"{url}/api/v1/users") as reply,
    ):
        return reply.status


async def until_refused(process: Heyday, url: str, key: str) -> float:
    """Return how many seconds it takes."""

    async def look() -> bool:
        return await status(url, key) == 401

    began = time.perf_counter()
    await process.until(look)
    return time.perf_counter() - began


async def test_a_key_works_from_when_it_is_made_until_it_is_revoked(
    database_url: str, tmp_path: Path
) -> None:
    settings = {"DATABASE_URL": database_url, "PORT": "0"}
    async with heyday("api", cwd=tmp_path, **settings) as api:
        await api.said("no_api_key.*heyday keys create")
        url = f"http://127.0.0.1:{(await api.said(r'started +port=([0-9]+)'))[1]}"
        made = await keys("create", "ops", "--scope", "users:read", cwd=tmp_path, **settings)
        key = made.out.strip()
        assert await status(url, key) == 200
        assert await status(url, key[:-1]) == 401

        await keys("revoke", key[3:11], cwd=tmp_path, **settings)
        assert await until_refused(api, url, key) < ACTS_WITHIN

        another = await keys("create", "x", "--scope", "users:read", cwd=tmp_path, **settings)
        assert await status(url, another.out.strip()) == 200
        assert await api.stop(10) == 0
        assert "hd_" not in api.text
    # What was used is on record when the process has ended.
    listed = (await keys("list", "--json", cwd=tmp_path, **settings)).json["keys"]
    assert all(each["last_used_at"] for each in listed)
    async with heyday("api", cwd=tmp_path, **settings) as again:
        await again.said("started")
        assert await again.stop(10) == 0
        assert "no_api_key" not in again.text


async def test_behind_a_pooler_a_revoked_key_is_refused_within_seconds(
    database_url: str, tmp_path: Path
) -> None:
    settings = {"DATABASE_URL": database_url, "PORT": "0", "HEYDAY_POOLER": "transaction"}
    made = await keys("create", "ops", "--scope", "users:read", cwd=tmp_path, **settings)
    key = made.out.strip()
    async with heyday("api", cwd=tmp_path, **settings) as api:
        url = f"http://127.0.0.1:{(await api.said(r'started +port=([0-9]+)'))[1]}"
        assert await status(url, key) == 200
        await keys("revoke", key[3:11], cwd=tmp_path, **settings)
        # A moment more for the requests that look for it.
        assert await until_refused(api, url, key) < ACTS_WITHIN + 1
