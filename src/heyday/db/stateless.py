"""Speak to PostgreSQL through a pooler that lends a server for one transaction at a time.

Whatever a connection left with the server, the next transaction would look for elsewhere.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg

_BEGIN = "BEGIN;"


class StatelessConnection(asyncpg.Connection):
    """Leave nothing with the server: no prepared statement and no setting.

    asyncpg remembers what a statement takes and returns. Parse, Bind and Execute then go in one
    message, so that a statement costs as many round trips as a prepared one; only PostgreSQL
    plans it anew each time.
    """

    _server_caps: Any  # asyncpg's own

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._begin = _BEGIN
        # Else asyncpg turns jit off and on, for the session, whenever it looks a type up.
        self._server_caps = self._server_caps._replace(jit=False)

    def begin_with(self, settings: Mapping[str, str]) -> None:
        """Have every transaction begin with these settings, which end with it."""
        local = (f"SET LOCAL {name} = '{value}';" for name, value in settings.items())
        self._begin = " ".join((_BEGIN, *local))

    async def execute(self, query: str, *values: Any, **options: Any) -> str:
        """Run a statement; asyncpg begins each transaction with one too."""
        return await super().execute(self._begin if query == _BEGIN else query, *values, **options)

    async def _get_statement(self, *given: Any, **options: Any) -> Any:
        statement = await super()._get_statement(*given, **options)  # type: ignore[misc]
        # From now on it is sent whole, each time.
        statement.mark_unprepared()
        return statement

    def _get_unique_id(self, prefix: str) -> str:
        """Name no statement; savepoints and cursors live within a transaction."""
        if prefix == "stmt":
            return ""
        return str(super()._get_unique_id(prefix))  # type: ignore[misc]
