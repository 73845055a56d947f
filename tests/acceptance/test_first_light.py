"""What a newcomer sees after one command, and what is left after its end, whichever way it ends."""

import asyncio
import os
import shlex
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from heyday.db.embedded.postmaster import find_postmaster, stop_postmaster
from tests.acceptance.processes import Finished, Heyday, get, heyday, run

STOPS_WITHIN = STARTS_AGAIN_WITHIN = 10.0
GREETED_WITHIN = 20.0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The folder of Heyday's own database; nothing runs there afterwards."""
    yield tmp_path / "home"
    stop_postmaster(tmp_path / "home" / "postgres" / "data", threading.Event().wait)


async def address_of(up: Heyday, seconds: float = 60.0) -> str:
    """Return where the welcome says that the pages are, once it has been said to its end."""
    await up.said(r"Next: |Nobody is to be greeted", seconds)
    return (await up.said(r"(http://\S+)/inbox"))[1]


async def demonstration_letters(address: str, key: str) -> list[dict[str, Any]] | None:
    """Return what the first two demonstration people got, once both have got it."""
    letters = (await get(f"{address}/inbox/messages", key))["letters"]
    found = [letter for letter in letters if letter["email"].endswith("@demo.example")]
    return found if len(found) >= 2 else None


async def reconcile(home: Path) -> Finished:
    words = ("reconcile", "--json")
    return await asyncio.to_thread(run, *words, cwd=home.parent, HEYDAY_HOME=str(home))


def postgres_process(home: Path) -> int:
    server = find_postmaster(home / "postgres" / "data")
    assert server
    return server.pid


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_one_command_shows_greetings_arriving(home: Path) -> None:
    settings = {"HEYDAY_HOME": str(home), "PORT": "0"}
    async with heyday("up", cwd=home.parent, **settings) as up:
        address, key = await address_of(up), await up.first_key()
        assert f"{address}/docs" in up.text
        assert f"Its data stay in {home}" in up.text
        assert "Imported 537 real people" in up.text
        assert "demonstration people whose day is today" in up.text

        letters = await up.until(lambda: demonstration_letters(address, key), GREETED_WITHIN)
        texts = {letter["message"] for letter in letters}
        assert {"Hey, Ada Lovelace it's your birthday", "Hey, Alan Turing it's your birthday"} <= (
            texts
        )
        assert all(letter["late_seconds"] > 0 for letter in letters)
        assert (await get(f"{address}/health"))["status"] == "ok"
        assert "<title>" in await get(f"{address}/inbox", key)
        assert "<title>" in await get(f"{address}/docs")

        shown = shlex.split((await up.said(r"(curl .*)"))[1])
        assert shown[:-1] == ["curl", "-H", f"Authorization: Bearer {key}"]
        assert len((await get(shown[-1], key))["items"]) > 1
        assert "unauthenticated" in await get(shown[-1])

        books = await reconcile(home)
        assert (books.status, books.json["balanced"], books.json["unplanned"]) == (0, True, 0)
        assert books.json["due"] >= books.json["sent"] >= 2

        server = postgres_process(home)
        assert await up.stop(STOPS_WITHIN) == 0
    assert not is_alive(server)
    assert "Traceback" not in up.text

    async with heyday("up", cwd=home.parent, **settings) as again:
        address = await address_of(again, STARTS_AGAIN_WITHIN)
        assert "Imported" not in again.text
        assert "hd_" not in again.text
        kept = await demonstration_letters(address, key)
        assert kept
        assert letters[-1] in kept
        assert await again.stop(STOPS_WITHIN) == 0


async def test_after_a_power_cut_it_starts_again_and_greets_nobody_twice(home: Path) -> None:
    settings = {"HEYDAY_HOME": str(home), "PORT": "0"}
    async with heyday("up", cwd=home.parent, **settings) as up:
        address, key = await address_of(up), await up.first_key()
        await up.until(lambda: demonstration_letters(address, key), GREETED_WITHIN)
        server = postgres_process(home)
        await up.kill()
        os.kill(server, signal.SIGKILL)

    async with heyday("up", cwd=home.parent, **settings) as again:
        address = await address_of(again)
        assert "Imported" not in again.text
        await again.until(lambda: demonstration_letters(address, key), GREETED_WITHIN)
        letters = (await get(f"{address}/inbox/messages", key))["letters"]
        arrived = Counter((letter["email"], letter["message"]) for letter in letters)
        assert set(arrived.values()) == {1}
        books = await reconcile(home)
        assert (books.status, books.json["balanced"]) == (0, True)
        assert await again.stop(STOPS_WITHIN) == 0
