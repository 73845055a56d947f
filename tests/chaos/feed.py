"""Bring people in, as a company would: by the importer, again and again until all are stored."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime

import structlog

from heyday.bootstrap import App
from heyday.domain.errors import HeydayError
from heyday.services.import_rows import Row
from heyday.services.users import UserService
from tests.chaos import clock
from tests.chaos.people import COLUMNS, Expected, Made, Maker
from tests.chaos.waiting import pause
from tests.chaos.witness import Witness

log = structlog.get_logger()

_SET = 60
_STORE = """
INSERT INTO users (first_name, last_name, email, timezone, birthday_date, anniversary_date,
                   created_at, updated_at, eligible_since)
SELECT p.*, $7, $7, $7
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[]) AS p
"""


class Feed:
    """Keep workers busy with people whose birthday is today and who come after nine.

    expected: what all people that were brought in are to get.
    """

    def __init__(self, heyday: App, witness: Witness, maker: Maker) -> None:
        self.maker = maker
        self.expected: list[Expected] = []
        self._heyday = heyday
        self._witness = witness

    @property
    def users(self) -> UserService:
        """Return what edits people, as the API does."""
        return self._heyday.users

    async def run(self, stopping: asyncio.Event) -> None:
        """Bring people in as fast as they are greeted, until told to stop."""
        while not stopping.is_set():
            # Only once the queue is empty is it looked for what was lost on its way.
            if await self._witness.is_hungry():
                await self.add(self.maker.late_joiners(_SET, clock.now()))
            await pause(0.05, stopping)

    async def add(self, people: Sequence[Made]) -> None:
        """Import people. A fault on the way is an import that is started again."""
        for _, expected in people:
            self.expected += expected
        rows = [Row(n, person.cells) for n, (person, _) in enumerate(people, start=2)]
        while True:
            try:
                return await self._import(rows)
            except (HeydayError, OSError, TimeoutError) as error:
                log.info("import_again", error=type(error).__name__)
                await pause(0.2)

    async def add_by_sql(self, people: Sequence[Made], since: datetime) -> None:
        """Store people past Heyday, who have been there since an instant."""
        for _, expected in people:
            self.expected += expected
        columns = zip(*(person.stored for person, _ in people), strict=True)
        await self._witness.fetch(_STORE, *map(list, columns), since)

    async def _import(self, rows: Sequence[Row]) -> None:
        chunks = self._heyday.imports.files.run(COLUMNS, [rows], _refuse)
        async with contextlib.aclosing(chunks):
            async for _ in chunks:
                pass


def _refuse(row: Row, reason: str) -> None:
    raise AssertionError(f"Heyday rejects {row.cells}: {reason}")
