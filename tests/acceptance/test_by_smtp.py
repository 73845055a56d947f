"""Greetings through a mail server that breaks connections, by Heyday as it is started."""

import asyncio
from pathlib import Path

from heyday.db.types import AnyConnection
from tests.acceptance.moments import moment_in, write_people
from tests.acceptance.processes import heyday, run
from tests.mail import AT_CONNECT, IN_DIALOGUE, Behaviour, MailServer, by_chance
from tests.mime_parser import parse_strictly

PEOPLE = 240
STOPS_WITHIN = 10.0
# Each point of a dialogue then breaks some.
SHARE = 0.2
TO_COME = """
SELECT count(*) FROM message_logs
WHERE status IN ('SCHEDULED', 'QUEUED', 'SENDING', 'RETRYING')
"""
ROWS = "SELECT idempotency_key, status, ambiguous_count FROM message_logs"


async def test_nobody_is_lost_and_second_letters_are_told_of(
    database_url: str, connection: AnyConnection, tmp_path: Path
) -> None:
    moment = moment_in(0)
    write_people(tmp_path / "people.csv", moment, PEOPLE)
    behaviour = Behaviour(
        drop=by_chance(1, SHARE, IN_DIALOGUE), at_connect=by_chance(2, SHARE, AT_CONNECT)
    )
    async with MailServer(behaviour) as server:
        settings = {
            "DATABASE_URL": database_url,
            "SENDER": "smtp",
            "HEYDAY_SMTP_URL": f"smtp://127.0.0.1:{server.port}",
            "HEYDAY_MAIL_FROM": "Acme <greetings@example.com>",
            "PORT": "0",
        }
        async with heyday("up", cwd=tmp_path, **settings) as up:
            await up.said("/inbox")
            words = ("users", "import", "people.csv")
            await asyncio.to_thread(run, *words, cwd=tmp_path, **settings)

            async def is_all_ended() -> bool:
                return not await connection.fetchval(TO_COME)

            await up.until(is_all_ended)
            assert await up.stop(STOPS_WITHIN) == 0
    rows = {row["idempotency_key"]: row for row in await connection.fetch(ROWS)}
    assert len(rows) == PEOPLE
    assert server.taken.drops.keys() >= set(IN_DIALOGUE)
    assert {row["status"] for row in rows.values()} <= {"SENT", "UNKNOWN"}
    assert set(server.taken.keys) <= set(rows)
    for key, row in rows.items():
        letters = server.taken.keys[key]
        assert letters <= 1 + row["ambiguous_count"]
        assert letters or row["status"] == "UNKNOWN"
    assert {parse_strictly(letter).subject for letter in server.taken.letters} == {
        "Happy birthday, Person!"
    }
