"""Hold our SMTP client against aiosmtplib: `python -m benchmarks.smtp_clients`.

Both hand the same greetings to the same server, over as many connections that are kept, and write
each letter: ours as Heyday does, aiosmtplib with the standard library's `email`, and once more with
letters that ours wrote. Shown is the CPU time that a letter takes this process.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import aiosmtplib
import uvloop

from benchmarks.instant import new_folder
from benchmarks.processes import running
from heyday.clock import SteadyClock
from heyday.domain.addresses import MailAddress
from heyday.domain.delivery import OutcomeKind
from heyday.domain.models import ClaimedMessage
from heyday.senders.mime import MimeWriter, Origin
from heyday.senders.smtp import SmtpConfig, SmtpSender
from heyday.senders.smtp_connections import Server
from heyday.senders.smtp_session import Entrance
from heyday.services.letters import LinkingLetterWriter
from tests import mail
from tests.fakes import MESSAGE

_CONNECTIONS = 20
_FROM = MailAddress("greetings", "example.com")
_MIME = MimeWriter(Origin("Acme", _FROM))
_WRITER = LinkingLetterWriter(None)
Attempt = Callable[[ClaimedMessage], Awaitable[object]]


def _greetings(count: int) -> list[ClaimedMessage]:
    key = "00000000-0000-0000-0000-{:012d}:BIRTHDAY:2027-01-14"
    return [
        replace(MESSAGE, idempotency_key=key.format(n), email=f"person-{n}@example.com")
        for n in range(count)
    ]


async def _all(greetings: list[ClaimedMessage], attempts: list[Attempt]) -> float:
    """Send, by so many at once; return CPU seconds."""
    waiting = iter(greetings)

    async def work(attempt: Attempt) -> None:
        for greeting in waiting:
            await attempt(greeting)

    began = time.process_time()
    await asyncio.gather(*map(work, attempts))
    return time.process_time() - began


async def _ours(greetings: list[ClaimedMessage], port: int) -> float:
    entrance = Entrance("127.0.0.1", None, starts_tls=True, login=None)
    config = SmtpConfig(Server("127.0.0.1", port, entrance, 10_000), connections=_CONNECTIONS)
    async with SmtpSender(config, _WRITER, _MIME, SteadyClock(timedelta(seconds=5))) as sender:

        async def attempt(greeting: ClaimedMessage) -> None:
            if (outcome := await sender.send(greeting)).kind is not OutcomeKind.ACCEPTED:
                raise RuntimeError(str(outcome))

        return await _all(greetings, [attempt] * _CONNECTIONS)


def _by_email(greeting: ClaimedMessage) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = f"Acme <{_FROM}>"
    message["To"] = greeting.email
    message["Subject"] = "Happy birthday!"
    message["Date"] = datetime.now(UTC)  # noqa: TID251 - as it would be
    message["Message-ID"] = f"<{greeting.idempotency_key.replace(':', '__')}@example.com>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(greeting.text)
    return message.as_bytes()


def _by_us(greeting: ClaimedMessage) -> bytes:
    found = _MIME.write(_WRITER.write(greeting), datetime.now(UTC))  # noqa: TID251 - the same
    return found.content if found else b""


async def _theirs(
    greetings: list[ClaimedMessage], port: int, write: Callable[[ClaimedMessage], bytes]
) -> float:
    async with AsyncExitStack() as stack:
        attempts: list[Attempt] = []
        for _ in range(_CONNECTIONS):
            client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False)
            await stack.enter_async_context(client)

            async def attempt(greeting: ClaimedMessage, by: aiosmtplib.SMTP = client) -> None:
                await by.sendmail(str(_FROM), [greeting.email], write(greeting))

            attempts.append(attempt)
        return await _all(greetings, attempts)


async def measure(letters: int, folder: Path) -> dict[str, float]:
    """Return microseconds of CPU for a letter, by who hands it over."""
    words = ("--log", str(folder / "log"), "--letters", str(folder / "letters"))
    async with running("mail", (sys.executable, "-m", mail.__name__, *words), {}, folder) as server:
        port = int((await server.until_said("\n")).strip())
        greetings = _greetings(letters)
        seconds = {
            "ours": await _ours(greetings, port),
            "aiosmtplib, our letters": await _theirs(greetings, port, _by_us),
            "aiosmtplib, letters by email": await _theirs(greetings, port, _by_email),
        }
    return {name: taken / letters * 1e6 for name, taken in seconds.items()}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--letters", type=int, default=5000)
    options = parser.parse_args()
    with new_folder() as folder:
        for name, taken in uvloop.run(measure(options.letters, folder)).items():
            print(f"{name:<30} {taken:8,.0f} us CPU a letter")


if __name__ == "__main__":
    main()
