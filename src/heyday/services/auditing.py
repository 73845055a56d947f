"""Note who looked at whom before they see it, in groups; and let the log be read."""

import asyncio
from collections.abc import Sequence
from contextvars import Context

from heyday.domain.audit import AuditEntry, AuditFilter, AuditStore, Deed

_GROUP = 1_000


class AuditService:
    """Write lines of the audit log, and read them.

    While one group is being written the next one gathers: under load very many lines share a
    statement and a commit, and a line that comes alone does not wait.
    """

    def __init__(self, store: AuditStore) -> None:
        self._store = store
        self._waiting: list[tuple[Deed, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def note(self, deed: Deed) -> None:
        """Return once the log has the deed. Raises DatabaseError: then nothing may be shown."""
        noted = asyncio.get_running_loop().create_future()
        self._waiting.append((deed, noted))
        if self._writing is None:
            # In a context of its own: the group is no part of one request's deed.
            self._writing = asyncio.create_task(self._write(), context=Context())
        await noted

    async def list_page(
        self, asked: AuditFilter, before: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        """Return up to `limit` lines, the latest first, older than the one of this number."""
        return await self._store.list_page(asked, before, limit)

    async def _write(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:_GROUP], self._waiting[_GROUP:]
                await self._write_group(group)
        finally:
            self._writing = None

    async def _write_group(self, group: Sequence[tuple[Deed, asyncio.Future[None]]]) -> None:
        fault: Exception | None = None
        try:
            await self._store.add_looks([deed for deed, _ in group])
        except Exception as error:  # noqa: BLE001 - each request of the group raises it
            fault = error
        for _, noted in group:
            if noted.done():
                continue
            if fault:
                noted.set_exception(fault)
            else:
                noted.set_result(None)
