"""Take files of people in as jobs, and tell what became of them."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta
from io import BufferedReader, BytesIO
from uuid import UUID

from heyday.domain.errors import (
    DatabaseError,
    FieldProblem,
    ImportNotFound,
    InvalidInput,
)
from heyday.domain.imports import ImportJob
from heyday.domain.ports import Clock, Store
from heyday.services.csv_file import CsvFile
from heyday.services.import_rows import check_columns
from heyday.services.rejected_rows import encode, encode_header

CHUNK_BYTES = 1 << 20
# An upload of which nothing was heard for so long is given up.
_UPLOAD_LEASE = timedelta(minutes=5)
_REJECTS_PAGE = 500


class ImportJobService:
    """Store uploads for whichever process runs imports, and show and cancel the jobs."""

    def __init__(self, store: Store, clock: Clock, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._store = store
        self._clock = clock
        self._chunk_bytes = chunk_bytes

    async def receive(self, upload: AsyncIterator[bytes]) -> ImportJob:
        """Store a file as it comes, and let it wait to be imported.

        What breaks off leaves nothing behind. Raises InvalidInput if the file, by its beginning,
        is none of people.
        """
        parts = _parts(upload, self._chunk_bytes)
        part = await anext(parts, b"")
        file = _read_header(part)
        columns, has_bom, now = file.columns, file.has_bom, self._clock.now()
        job_id = await self._store.in_transaction(
            lambda s: s.imports.create(columns, now, _UPLOAD_LEASE, has_bom=has_bom)
        )
        try:
            number = 0
            while part:
                await self._store_part(job_id, number, part)
                part, number = await anext(parts, b""), number + 1
            return _present(await self._store.in_transaction(lambda s: s.imports.submit(job_id)))
        except BaseException:
            with contextlib.suppress(DatabaseError):
                await self._store.in_transaction(lambda s: s.imports.forget(job_id))
            raise

    async def get(self, job_id: UUID) -> ImportJob:
        """Return a job. Raises ImportNotFound."""
        async with self._store.session() as session:
            return _present(await session.imports.find(job_id))

    async def list_page(self, after: UUID | None, limit: int) -> list[ImportJob]:
        """Return up to `limit` jobs, the newest first, after the one given."""
        async with self._store.session() as session:
            return await session.imports.list_page(after, limit)

    async def remove(self, job_id: UUID) -> None:
        """Cancel a job that is not at its end; forget one that is. Raises ImportNotFound.

        What was imported stays. Rejected rows are gone either way.
        """
        now = self._clock.now()
        if not await self._store.in_transaction(lambda s: s.imports.cancel(job_id, now)):
            await self.get(job_id)
            await self._store.in_transaction(lambda s: s.imports.forget(job_id))

    async def report(self, job: ImportJob) -> AsyncGenerator[bytes]:
        """Yield the rows of a job that were rejected so far, as `heyday users import` does."""
        yield encode_header(job.columns, has_bom=job.has_bom)
        after = 0
        while True:
            async with self._store.session() as session:
                rows = await session.imports.list_rejects(job.id, after, _REJECTS_PAGE)
            if not rows:
                return
            yield b"".join(
                row.cells + b"," + encode([row.line, row.reason]) + b"\n" for row in rows
            )
            after = rows[-1].line

    async def _store_part(self, job_id: UUID, number: int, part: bytes) -> None:
        if not await self._store.in_transaction(
            lambda s: s.imports.add_chunk(job_id, number, part, _UPLOAD_LEASE)
        ):
            raise ImportNotFound


async def _parts(upload: AsyncIterator[bytes], size: int) -> AsyncGenerator[bytes]:
    """Yield a stream in parts of at least so many bytes; the last may be shorter."""
    gathered = bytearray()
    async for piece in upload:
        gathered += piece
        if len(gathered) >= size:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


def _read_header(beginning: bytes) -> CsvFile:
    """Return the file of which this is the beginning. Raises InvalidInput for a wrong header."""
    try:
        file = CsvFile("", BufferedReader(BytesIO(beginning)))
        check_columns(file.columns)
    except InvalidInput as error:
        # The body is no JSON: what is wrong has no pointer.
        told = [": ".join(filter(None, (p.field, p.detail))) for p in error.problems]
        raise InvalidInput([FieldProblem("", detail) for detail in told]) from None
    return file


def _present(job: ImportJob | None) -> ImportJob:
    if job is None:
        raise ImportNotFound
    return job
