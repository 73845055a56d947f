"""Speak to PostgreSQL directly, or through a pooler that lends a server for one transaction.

Behind a pooler, whatever a connection left with the server, the next transaction would look for
elsewhere.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg

from heyday.db import deeds


class DeedConnection(asyncpg.Connection):
    """Begin and end each transaction with what the audit log is to know of it."""

    _is_noting = False

    async def execute(self, query: str, *values: Any, **options: Any) -> str:
        """Run a statement; asyncpg begins and ends each transaction with one too."""
        if query.startswith(deeds.BEGINNING):
            # One that reads alone could write no line.
            self._is_noting = deeds.READ_ONLY not in query
            return await super().execute(deeds.begun(self._beginning(query)), **options)
        if query == deeds.COMMIT and self._is_noting:
            tag = await super().execute(deeds.ending(), **options)
            deeds.note_commit()
            return tag
        return await super().execute(query, *values, **options)

    def _beginning(self, query: str) -> str:
        """Return how a transaction begins that is asked for so."""
        return query


class StatelessConnection(DeedConnection):
    """Leave nothing with the server: no prepared statement and no setting.

    asyncpg remembers what a statement takes and returns. Parse, Bind and Execute then go in one
    message, so that a statement costs as many round trips as a prepared one; only PostgreSQL
    plans it anew each time.
    """

    _server_caps: Any  # asyncpg's own, as is the next
    _protocol: Any

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._begin = deeds.BEGIN
        # Else asyncpg turns jit off and on, for the session, whenever it looks a type up.
        self._server_caps = self._server_caps._replace(jit=False)

    def begin_with(self, settings: Mapping[str, str]) -> None:
        """Have every transaction begin with these settings, which end with it."""
        local = (f"SET LOCAL {name} = '{value}';" for name, value in settings.items())
        self._begin = " ".join((deeds.BEGIN, *local))

    def _beginning(self, query: str) -> str:
        return self._begin if query == deeds.BEGIN else query

    async def _get_statement(self, *given: Any, **options: Any) -> Any:
        try:
            statement = await super()._get_statement(*given, **options)  # type: ignore[misc]
        except asyncio.CancelledError:
            # Cancelled after the answer: asyncpg tells the server of no end, which then waits with
            # the pooler, for us alone. Before the answer, it says that it is cancelling.
            if not (self._protocol._is_cancelling() or self.is_in_transaction()):  # noqa: SLF001
                self.terminate()
            raise
        # From now on it is sent whole, each time.
        statement.mark_unprepared()
        return statement

    def _get_unique_id(self, prefix: str) -> str:
        """Name no statement; savepoints and cursors live within a transaction."""
        if prefix == "stmt":
            return ""
        return str(super()._get_unique_id(prefix))  # type: ignore[misc]
