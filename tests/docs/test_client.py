"""The client of docs/api.md is made of the API's own description, and does what the page says."""

import ast
import asyncio
import json
import os
import re
import sys
from typing import Any

from tests.docs.pages import page
from tests.docs.serving import Recorder, serving
from tests.factories import Pipeline

(CODE,) = page("docs/api.md").blocks("python")


async def run_client(url: str, key: str) -> str:
    """Run the client as a program of its own; return what it prints."""
    environment = {**os.environ, "HEYDAY_URL": url, "HEYDAY_KEY": key}  # noqa: TID251 - handed on
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        CODE,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


def constant(name: str) -> Any:
    """Return what the client calls so."""
    for node in ast.parse(CODE).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"the client has no {name}")


async def test_the_client_does_what_the_page_says(
    recorder: Recorder, pipeline: Pipeline, key: str
) -> None:
    async with serving(recorder) as url:
        printed = (await run_client(url, key)).splitlines()
    assert printed[0] == "200 Asia/Tokyo"
    assert printed[1].startswith("The BIRTHDAY greeting on Friday 10 December 2027")
    assert "will be sent at 2027-12-10 00:00:00 UTC" in printed[1]
    assert printed[2].startswith("The ANNIVERSARY greeting is not sent.")
    assert printed[3:] == ["2027-12-10 BIRTHDAY SCHEDULED"]
    assert [row["timezone"] for row in await pipeline.messages()] == ["Asia/Tokyo"]


async def test_what_the_client_sends_is_described(recorder: Recorder, key: str) -> None:
    paths = recorder.app.openapi_schema.to_schema()["paths"]
    async with serving(recorder) as url:
        await run_client(url, key)
    assert len(recorder.asked) == 4
    for asked in recorder.asked:
        (path,) = [p for p in paths if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", p), asked.path)]
        operation = paths[path][asked.method.lower()]
        known = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        assert asked.parameters <= known
        assert bool(asked.body) == ("requestBody" in operation)


async def test_the_person_is_made_of_the_examples_of_the_description(recorder: Recorder) -> None:
    schema = recorder.app.openapi_schema.to_schema()["components"]["schemas"]["PersonBody"]
    examples = {name: field["examples"][0] for name, field in schema["properties"].items()}
    wanted = [*schema["required"], "birthday_date"]
    assert constant("ADA") == {name: examples[name] for name in wanted}
    assert json.dumps(constant("ADA"))
