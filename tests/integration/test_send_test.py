"""`heyday send-test`: one letter, and what came of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heyday.cli.app import app
from heyday.domain.errors import ConfigurationError, InvalidInput
from tests.mail import Behaviour, MailServer
from tests.provider import Provider

ADDRESS = "ada@example.org"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    async with MailServer(Behaviour()) as server:
        monkeypatch.setenv("HEYDAY_SMTP_URL", f"smtp://127.0.0.1:{server.port}")
        monkeypatch.setenv("HEYDAY_MAIL_FROM", "Acme <greetings@example.com>")
        yield server


async def send_test(address: str = ADDRESS, expected: int = 0) -> str:
    def run() -> str:
        result = CliRunner().invoke(app, ["send-test", address], catch_exceptions=False)
        assert result.exit_code == expected, result.output
        return result.stdout

    return await asyncio.to_thread(run)


async def test_a_letter_that_is_taken(server: MailServer) -> None:
    said = await send_test()
    assert said.splitlines()[0] == "Accepted by smtp (250)."
    assert "Its name for the letter: 00000001" in said
    assert [to for _, to in server.taken.envelopes] == [ADDRESS]
    assert b"Subject: A letter from Heyday" in server.taken.letters[0]


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ({"RCPT": "550 5.1.1 Unknown"}, "Refused: this letter would never be taken by smtp (550)."),
        ({"MAIL": "550 5.7.1 Not you"}, "Look at HEYDAY_SMTP_URL"),
        ({".": "451 4.3.0 Later"}, "a greeting would be tried again"),
        ({".": "nonsense"}, "Reason: the mail server's reply is not SMTP."),
    ],
)
async def test_one_that_is_not_and_why(
    server: MailServer, replies: dict[str, str], said: str
) -> None:
    server.behaviour.replies = replies
    assert said in await send_test(expected=1)


async def test_it_goes_to_whom_letters_may_go_alone(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEYDAY_ALLOWED_DOMAINS", "example.com")
    assert "HEYDAY_ALLOWED_DOMAINS" in await send_test(expected=1)
    assert server.taken.connections == 0
    monkeypatch.setenv("HEYDAY_SAFE_ADDRESS", "tester@example.com")
    await send_test()
    assert [to for _, to in server.taken.envelopes] == ["tester@example.com"]
    assert b"Subject: [Test] " in server.taken.letters[0]
    assert ADDRESS.encode() not in server.taken.letters[0]


async def test_a_provider_by_http_is_held_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Provider() as provider:
        monkeypatch.setenv("EMAIL_SERVICE_URL", provider.url)
        monkeypatch.setenv("HEYDAY_SAFE_ADDRESS", "tester@example.com")
        for batch in ("0", "10"):
            monkeypatch.setenv("HEYDAY_PROVIDER_BATCH", batch)
            assert "Accepted by http" in await send_test()
        monkeypatch.setenv("HEYDAY_SAFE_ADDRESS", "")
        monkeypatch.setenv("HEYDAY_ALLOWED_DOMAINS", "example.com")
        assert "HEYDAY_ALLOWED_DOMAINS" in await send_test(expected=1)
    assert [request.email for request in provider.requests] == ["tester@example.com"] * 2


async def test_the_inbox_reaches_nobody_so_there_is_nothing_to_try(database_url: str) -> None:
    assert database_url
    with pytest.raises(ConfigurationError, match="SENDER=inbox sends nothing"):
        await send_test()


async def test_what_is_no_address_is_refused(server: MailServer) -> None:
    with pytest.raises(InvalidInput, match="ADDRESS: is not an email address"):
        await send_test("nobody")
    assert server.taken.connections == 0
