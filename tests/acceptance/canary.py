"""Mark people so that they can be found wherever they should not be, and look there."""

import asyncio
import base64
import contextlib
import csv
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

import aio_pika
from redis.asyncio import Redis

from heyday.db.notifications import CHANNELS
from heyday.db.types import AnyConnection
from heyday.queue.config import EXCHANGES
from tests.acceptance.moments import Moment

# In every name, address and place of a marked person, and by chance nowhere else.
TOKEN = "zqxvk"
# Nobody in any other row was born in that year; it had a 29 February.
YEAR = 1912
COLUMNS = (
    *("first_name", "last_name", "email", "timezone", "birthday_date", "anniversary_date"),
    *("location_city", "location_country", "locale"),
)

_TABLES = """
SELECT c.oid::regclass::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND NOT c.relispartition AND c.relname <> 'queue_witness'
ORDER BY 1
"""
_WITNESS = """
CREATE TABLE queue_witness (body text);
CREATE FUNCTION witness_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO queue_witness VALUES (NEW::text); RETURN NEW; END $$;
CREATE TRIGGER witness AFTER INSERT OR UPDATE ON queue_batches
    FOR EACH ROW EXECUTE FUNCTION witness_queue();
"""


def marked_person(number: int, moment: Moment) -> dict[str, str]:
    """Return a person with a mark in every field that tells of them; each on their day."""
    born = moment.today.replace(year=YEAR)
    return {
        "first_name": f"Zqxvkfirst{number}",
        "last_name": f"Zqxvklast{number}",
        "email": f"{TOKEN}.{number}@{TOKEN}-mail.example",
        "timezone": moment.zone,
        "birthday_date": f"{born}",
        "anniversary_date": f"{born}",
        "location_city": "Zqxvkcity",
        "location_country": "Zqxvkland",
        "locale": f"en-{TOKEN}",
    }


def write_file(path: Path, people: Iterable[Mapping[str, str]]) -> None:
    """Write people as a file to import."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS)
        rows.writeheader()
        rows.writerows(people)


class Marks:
    """Find marks in what somebody wrote, as they are or in the usual disguises."""

    def __init__(self, born: date) -> None:
        texts = [
            TOKEN,
            born.isoformat(),
            f"{born:%d.%m.%Y}",
            f"{born:%m/%d/%Y}",
            f"{born:%Y/%m/%d}",
        ]
        texts += [f"{born.year}, {born.month}, {born.day}", TOKEN.encode().hex()]
        compact = rf"(?<![0-9a-f]){born:%Y%m%d}(?![0-9a-f])"
        self._coded = re.compile("|".join(map(re.escape, _base64_cores(TOKEN.encode()))))
        self._plain = re.compile(
            "|".join([*(re.escape(text) for text in texts), compact]), re.IGNORECASE
        )

    def find(self, text: str) -> str | None:
        """Return the first mark with what stands around it."""
        match = self._plain.search(text) or self._coded.search(text)
        return text[max(match.start() - 200, 0) : match.end() + 60] if match else None


def _base64_cores(token: bytes) -> Iterator[str]:
    """Yield what a token looks like within a coded text, by where in three bytes it begins."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + token + bytes(3)).decode()
        yield coded[-(-before * 8 // 6) : (before + len(token)) * 8 // 6]


class Evidence:
    """Hold what was written, by where."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = defaultdict(list)

    def add(self, where: str, text: object) -> None:
        """Keep one text."""
        self.texts[where].append(str(text))

    def marked(self, marks: Marks) -> dict[str, str]:
        """Return the places that hold a mark, each with the first one."""
        found = {}
        for where, texts in self.texts.items():
            if mark := next(filter(None, map(marks.find, texts)), None):
                found[where] = mark
        return found


async def watch_postgres(connection: AnyConnection, evidence: Evidence) -> None:
    """Keep every batch that PostgreSQL carries, and what is announced."""
    await connection.execute(_WITNESS)
    for channel in CHANNELS:
        await connection.add_listener(
            channel, lambda *heard: evidence.add("announcements", heard[2:])
        )


@contextlib.asynccontextmanager
async def watched_rabbit(url: str, evidence: Evidence) -> AsyncIterator[None]:
    """Keep a copy of every message that passes an exchange of Heyday's."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        for each in EXCHANGES:
            exchange = await channel.declare_exchange(each.name, each.type, durable=True)
            await queue.bind(exchange, "#")

        async def keep(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            evidence.add("queue", f"{message.body!r} {message.info()!r}")

        await queue.consume(keep, no_ack=True)
        yield


@contextlib.asynccontextmanager
async def watched_redis(url: str, evidence: Evidence) -> AsyncIterator[None]:
    """Keep every command that Redis gets: keys and values are in them."""
    # Nothing may be asked of it for long.
    async with (
        Redis.from_url(url, socket_timeout=None) as client,
        client.monitor() as monitor,
    ):

        async def keep() -> None:
            async for command in monitor.listen():
                evidence.add("redis", command["command"])

        task = asyncio.create_task(keep())
        yield
        task.cancel()
        await asyncio.wait([task])


async def tables_with(connection: AnyConnection, marks: Marks) -> dict[str, str]:
    """Return each table that holds a mark in any column, with the first one."""
    found = {}
    for (table,) in await connection.fetch(_TABLES):
        rows = await connection.fetch(f"SELECT t::text AS row FROM {table} AS t")  # noqa: S608
        if mark := next(filter(None, (marks.find(row["row"]) for row in rows)), None):
            found[str(table)] = mark
    return found


async def server_log(connection: AnyConnection) -> str:
    """Return what a PostgreSQL of Heyday's own has written down; "" of any other."""
    data = Path(await connection.fetchval("SHOW data_directory"))
    log = data.parent / "log"
    return log.read_text("utf-8", "replace") if log.is_file() else ""
