"""A restore of the database sends nothing twice and loses nothing, by the steps of the page."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.moments import moment_in, write_people
from tests.acceptance.processes import Finished, get, heyday, run
from tests.drills.restore import Variant, block, drill
from tests.provider import Act, Provider

PEOPLE = 10


@pytest.mark.parametrize("variant", [Variant.PITR, Variant.CRASH])
async def test_a_restored_database_sends_nothing_twice(variant: Variant) -> None:
    """A short form of `make drill-restore`: the same processes and commands, fewer greetings."""
    found = await drill(variant, 150)
    assert found.problems == []
    assert found.forgotten > 0
    assert (found.resent <= found.doubtful, found.lost) == (True, 0)
    assert variant is Variant.CRASH or found.resent == 0


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """A provider that takes everything, as often as it comes."""
    async with Provider(lambda _: Act.OK) as provider:
        yield provider


async def test_a_restored_database_of_our_own_sends_nothing_twice(
    provider: Provider, tmp_path: Path
) -> None:
    settings = {
        "EMAIL_SERVICE_URL": provider.url,
        "HEYDAY_PROVIDER_HONOURS_KEYS": "false",
        "PORT": "0",
    }

    async def command(*words: str) -> Finished:
        done = await asyncio.to_thread(run, *words, cwd=tmp_path, **settings)
        assert done.status == 0, done.err
        return done

    async def shell(script: str) -> None:
        words = ["/bin/bash", "-euc", script]
        await asyncio.to_thread(subprocess.run, words, cwd=tmp_path, check=True)

    # It is past nine where they are: they are greeted as soon as anybody does.
    write_people(tmp_path / "people.csv", moment_in(0), PEOPLE)
    await command("users", "import", "people.csv")
    await shell(block("Heyday's own database"))
    async with heyday("up", cwd=tmp_path, **settings) as up:
        await provider.wait_for(PEOPLE)
        assert await up.stop(10) == 0

    await shell(block("Heyday's own database", 1))
    async with heyday("up", cwd=tmp_path, **settings) as up:
        await up.said("database_restored")
        address = (await up.said(r"(http://127\.0\.0\.1:\d+)"))[1]
        health = await get(f"{address}/health")
        assert health["status"] == "degraded"
        assert "it was restored; nothing is planned or sent" in health["sending"]
        assert await up.stop(10) == 0
    assert len(provider.requests) == PEOPLE

    assert (await command("sends", "show", "--json")).json["unsettled"] == PEOPLE
    await command("sends", "replay")
    await command("sends", "resume")
    (tmp_path / "people.csv").write_text(
        "first_name,last_name,email,timezone,birthday_date\n"
        f"Zoe,New,zoe@example.com,{moment_in(0).zone},{moment_in(0).today.replace(year=1988)}\n",
        "utf-8",
    )
    await command("users", "import", "people.csv")
    async with heyday("up", cwd=tmp_path, **settings) as up:
        await provider.wait_for(PEOPLE + 1)
        assert await up.stop(10) == 0
    keys = [request.key for request in provider.requests]
    assert len(set(keys)) == len(keys) == PEOPLE + 1
    assert (await command("reconcile", "--json")).json["balanced"]
