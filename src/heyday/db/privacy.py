"""Hand over, or take out, all that is stored about one person."""

import contextlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from heyday.db import queries
from heyday.db.connection import Database
from heyday.db.suppressions import SuppressionRepository
from heyday.db.types import PooledConnection
from heyday.domain.errors import NamedInImport
from heyday.domain.privacy_ports import Dossier
from heyday.domain.readings import Encoding
from heyday.domain.sealing import Seals
from heyday.domain.suppressions import Reason

_QUERIES = queries.load("privacy")
_PART = "export_"
# The person's row is locked before, as claims do; what a worker writes waits for its greeting, so
# that what comes after greetings sees it.
_ERASING = (
    "cancel_greetings",
    "erase_greetings",
    "erase_attempts",
    "erase_events",
    "erase_letters",
    "erase_replies",
)


class PrivacyRepository:
    """Look through every table that may tell of a person.

    A table that is new and does so needs its statements in db/sql/privacy.sql; a test looks
    through all columns that there are.
    """

    def __init__(self, database: Database, seals: Seals) -> None:
        self._database = database
        self._seals = seals

    async def export(self, user_id: UUID) -> Dossier:
        """Return it, as of one moment; nothing if there never was such a person."""
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            people = await connection.fetch(_QUERIES["export_person"].text, user_id)
            if not people:
                return {}
            email = people[0]["email"]
            asked = {
                "export_suppressions": self._seals.digests(email),
                "export_rejected_rows": email,
            }
            parts = {}
            for name, query in _QUERIES.items():
                if name.startswith(_PART):
                    rows = await connection.fetch(query.text, asked.get(name, user_id))
                    parts[name.removeprefix(_PART)] = [dict(row) for row in rows]
            return parts

    async def erase(self, user_id: UUID, now: datetime) -> bool:
        """Take out of every table what tells of the person; tell whether there was one.

        Raises NamedInImport.
        """

        async def work(connection: PooledConnection) -> bool:
            await connection.execute(_QUERIES["wait_for_plans"].text)
            person = await connection.fetchrow(_QUERIES["lock"].text, user_id)
            if person is None:
                return False
            if person["erased_at"] is None:
                await _forget_imports(connection, person["email"])
                suppressions = SuppressionRepository(connection, self._seals)
                await suppressions.add(person["email"], None, Reason.ERASED, now)
                await connection.execute(_QUERIES["erase_person"].text, user_id, now)
                await _run(connection, _ERASING, user_id)
            return True

        return await self._database.transact(work)


async def _forget_imports(connection: PooledConnection, email: str) -> None:
    """Drop rejected rows with an address. Raises NamedInImport if a file under way has it."""
    if await connection.fetchval(_QUERIES["find_in_imports"].text, _written(email)):
        raise NamedInImport
    for name in ("erase_rejected_rows", "erase_headers"):
        await connection.execute(_QUERIES[name].text, email)


def _written(email: str) -> list[bytes]:
    """Return an address as files that are imported may have it."""
    written = {email.encode()}
    with contextlib.suppress(UnicodeEncodeError):
        written.add(email.encode(Encoding.WINDOWS_1252))
    return list(written)


async def _run(connection: PooledConnection, names: Sequence[str], user_id: UUID) -> None:
    for name in names:
        await connection.execute(_QUERIES[name].text, user_id)
