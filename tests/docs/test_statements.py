"""Every SQL statement and every curl command of the pages works as written."""

import json
import re

import httpx
import pytest

from tests.docs.commands import Command, commands
from tests.docs.pages import pages
from tests.factories import Pipeline

STATEMENTS = [
    pytest.param(sql, id=f"{page.name}-{sql.split()[0].lower()}-{number}")
    for page in pages()
    for number, sql in enumerate(
        part.strip() for block in page.blocks("sql") for part in block.split(";") if part.strip()
    )
]
ADDRESS = "http://127.0.0.1:8000"
URLS = sorted({url for page in pages() for url in re.findall(rf"{ADDRESS}[\w/]*", page.prose)})
CURLS = [command for page in pages() for command in commands(page) if command.program == "curl"]


@pytest.mark.parametrize("sql", STATEMENTS)
async def test_a_statement_runs_on_the_schema(pipeline: Pipeline, sql: str) -> None:
    await pipeline.execute(sql)


async def test_the_person_of_the_readme_is_planned_within_one_sweep(pipeline: Pipeline) -> None:
    (sql,) = (block for page in pages()[:1] for block in page.blocks("sql"))
    await pipeline.execute(sql)
    await pipeline.execute("UPDATE users SET birthday_date = '1986-01-14', timezone = 'UTC'")
    pipeline.clock.set(pipeline.clock.now().replace(hour=8))  # type: ignore[attr-defined]
    await pipeline.recovery.run_once()
    assert await pipeline.statuses() == ["SCHEDULED"]


def request_of(command: Command, key: str) -> httpx.Request:
    """Return what curl would send: the options that the pages use, and no others."""
    words = list(command.arguments)
    url, headers, body = "", {}, None
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value.replace("$KEY", key)
        elif word == "-d":
            body = words.pop(0)
        else:
            assert not word.startswith("-"), f"teach this test the option {word}"
            url = word
    return httpx.Request("POST" if body else "GET", url, headers=headers, content=body)


@pytest.mark.parametrize("url", URLS)
async def test_a_page_of_heyday_is_there(client: httpx.AsyncClient, url: str) -> None:
    assert (await client.get(url, follow_redirects=True)).status_code == httpx.codes.OK


@pytest.mark.parametrize("command", CURLS, ids=lambda c: c.line.partition("\n")[0])
async def test_a_request_is_answered(client: httpx.AsyncClient, command: Command) -> None:
    request = request_of(command, client.headers["Authorization"].removeprefix("Bearer "))
    assert str(request.url).startswith(ADDRESS)
    response = await client.send(request)
    assert response.is_success, response.text
    sent = json.loads(request.content or b"{}")
    assert sent.items() <= response.json().items()
