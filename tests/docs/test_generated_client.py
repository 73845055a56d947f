"""A client that a generator makes from the API's description, as `make client` has it made."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from tests.docs.serving import Recorder, serving

# The folder of the generator, which `make client` installs: it shares no libraries with Heyday.
GENERATOR = os.environ.get("HEYDAY_TEST_CLIENT")  # noqa: TID251 - where it is on this machine
CALLS = """
import os

from client import AuthenticatedClient
from client.api.messages import api_cancel_message, api_list_messages
from client.api.people import api_create_person, api_get_person
from client.models import Cancellation, PersonBody, Problem

heyday = AuthenticatedClient(base_url=os.environ["HEYDAY_URL"], token=os.environ["HEYDAY_KEY"])
ada = PersonBody("Ada", "Lovelace", "ada@example.com", "Europe/London", birthday_date="1990-12-10")
added = api_create_person.sync(client=heyday, body=ada)
found = api_get_person.sync(client=heyday, user_id=added.id)
print(found.email, found.birthday_date)
(message,) = api_list_messages.sync(client=heyday).items
print(message.status, *message.allowed)
why = Cancellation(note="they asked for it")
print(api_cancel_message.sync(client=heyday, message_id=message.id, body=why).status)
refused = api_cancel_message.sync(client=heyday, message_id=message.id, body=why)
assert isinstance(refused, Problem)
print(refused.type_)
"""


async def run(program: str, *words: str, cwd: Path, **settings: str) -> str:
    """Run a program of the generator's folder; return what it prints."""
    assert GENERATOR
    programs = Path(GENERATOR).absolute() / "bin"
    process = await asyncio.create_subprocess_exec(
        programs / program,
        *words,
        cwd=cwd,
        env={"PATH": str(programs), **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(120):
        out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


@pytest.mark.skipif(GENERATOR is None, reason="`make client` installs the generator and runs this")
async def test_a_generated_client_adds_a_person_and_decides_about_a_message(
    recorder: Recorder,
    key: str,
    tmp_path: Path,
) -> None:
    async with serving(recorder) as url:
        source = ("--url", f"{url}/openapi.json", "--meta", "none", "--output-path", "client")
        said = await run("openapi-python-client", "generate", *source, cwd=tmp_path)
        # It makes nothing of a body that is a file.
        assert set(re.findall(r"WARNING parsing (\S+ \S+)", said)) <= {"POST /api/v1/imports"}
        printed = await run("python", "-c", CALLS, cwd=tmp_path, HEYDAY_URL=url, HEYDAY_KEY=key)
    assert printed.splitlines() == [
        "ada@example.com 1990-12-10",
        "SCHEDULED cancel",
        "CANCELLED",
        "/problems/illegal-move",
    ]
