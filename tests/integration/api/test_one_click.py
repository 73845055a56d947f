"""From a letter that was delivered to a greeting that is not: RFC 8058, end to end."""

from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import urlsplit

import httpx
import pytest
from litestar import Litestar

from heyday.domain.addresses import MailAddress
from heyday.senders.mime import MimeWriter, Origin
from heyday.senders.smtp import SmtpConfig, SmtpSender
from heyday.senders.smtp_connections import Server
from heyday.senders.smtp_session import Entrance
from heyday.services.letters import LinkingLetterWriter
from heyday.services.one_by_one import OneByOne
from heyday.services.unsubscribing import LinkMaker
from tests.factories import SEALS, Pipeline
from tests.fakes import FakeClock
from tests.mail import MailServer

BASE = "https://hey.example.com"
BORN = {"birthday_date": "1990-01-15", "timezone": "Europe/London"}
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
A_YEAR_ON = datetime(2028, 1, 14, 20, tzinfo=UTC)
NINE_A_YEAR_ON = datetime(2028, 1, 15, 9, tzinfo=UTC)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        yield server


@pytest.fixture
async def sender(server: MailServer, clock: FakeClock) -> AsyncIterator[OneByOne]:
    """A real sender in place of the recording one, whose letters have links."""
    entrance = Entrance("localhost", None, starts_tls=True, login=None)
    config = SmtpConfig(Server("127.0.0.1", server.port, entrance, 100))
    writer = LinkingLetterWriter(LinkMaker(SEALS, BASE))
    mime = MimeWriter(Origin("Acme", MailAddress("greetings", "example.com")))
    async with SmtpSender(config, writer, mime, clock) as smtp:
        yield OneByOne(smtp)


@pytest.fixture
async def letter(pipeline: Pipeline, clock: FakeClock, server: MailServer) -> EmailMessage:
    """A person's letter of this year, delivered, on the eve of next year's birthday."""
    await pipeline.create(**BORN)
    clock.set(NINE)
    assert await pipeline.send_due() == 1
    assert await pipeline.statuses() == ["SENT"]
    clock.set(A_YEAR_ON)
    await pipeline.daily.run_once()
    assert await pipeline.statuses() == ["SENT", "SCHEDULED"]
    (content,) = server.taken.letters
    return message_from_bytes(content, policy=SMTP)


@pytest.fixture
async def mail_program(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """What somebody's mail program is: it has no key and no cookie, and follows nothing."""
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # Litestar's scope is narrower
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client
        assert not client.cookies


def link_of(letter: EmailMessage) -> str:
    (uri,) = str(letter["List-Unsubscribe"]).split(",")
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert uri.startswith(f"<{BASE}/")
    assert uri.endswith(">")
    return uri[1:-1]


async def test_a_post_of_the_pair_of_fields_cancels_the_next_greeting_before_it_answers(
    letter: EmailMessage,
    mail_program: httpx.AsyncClient,
    pipeline: Pipeline,
    clock: FakeClock,
    server: MailServer,
) -> None:
    field, _, value = str(letter["List-Unsubscribe-Post"]).partition("=")
    reply = await mail_program.post(link_of(letter), data={field: value})
    assert reply.status_code == 200
    assert await pipeline.statuses() == ["SENT", "CANCELLED"]
    assert await pipeline.value("SELECT birthday_unsubscribed_at FROM users") is not None
    clock.set(NINE_A_YEAR_ON)
    assert await pipeline.send_due() == 0
    assert len(server.taken.letters) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_whoever_only_looks_leaves_everything_as_it_is(
    letter: EmailMessage,
    mail_program: httpx.AsyncClient,
    pipeline: Pipeline,
    clock: FakeClock,
    method: str,
) -> None:
    """Scanners of mail servers follow every link."""
    await mail_program.request(method, link_of(letter))
    assert await pipeline.statuses() == ["SENT", "SCHEDULED"]
    clock.set(NINE_A_YEAR_ON)
    assert await pipeline.send_due() == 1
    assert await pipeline.statuses() == ["SENT", "SENT"]


async def test_the_link_tells_nothing_of_the_person(letter: EmailMessage) -> None:
    """Neither as it is read nor as it is decoded.

    Three letters say nothing in base64, where chance writes "ada" now and then.
    """
    path = urlsplit(link_of(letter)).path
    token = path.rpartition("/")[2]
    decoded = urlsafe_b64decode(token + "=" * (-len(token) % 4)).lower()
    assert len(decoded) > 16
    assert not any(word in path.lower() for word in ("lovelace", "birthday", "example"))
    assert not any(word in decoded for word in (b"ada", b"lovelace", b"birthday", b"example"))
