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
from heyday.domain.imports import KEPT_UPLOADS, NAME_LENGTH, ImportJob, RejectedRow, UploadedFile
from heyday.domain.ports import Clock, Store
from heyday.domain.readings import Encoding
from heyday.services.csv_file import CsvFile
from heyday.services.file_kinds import EncodingWatch, as_utf_8, find_foreign_kind, find_utf_16
from heyday.services.guessing import SAMPLE_BYTES, guess_reading
from heyday.services.import_rows import check_columns
from heyday.services.rejected_rows import delimiter_of, encode, encode_header

CHUNK_BYTES = 1 << 20
# An upload of which nothing was heard for so long is given up.
_UPLOAD_LEASE = timedelta(minutes=5)
_REJECTS_PAGE = 500
_PARTS = AsyncGenerator[bytes]


class ImportJobService:
    """Store uploads for whichever process runs imports, and show and cancel the jobs."""

    def __init__(self, store: Store, clock: Clock, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._store = store
        self._clock = clock
        self._chunk_bytes = chunk_bytes

    async def receive(self, upload: AsyncIterator[bytes]) -> ImportJob:
        """Store a file as it comes, and let it wait to be imported as it is.

        What breaks off leaves nothing behind. Raises InvalidInput if the file, by its beginning,
        is none of people.
        """
        parts = _parts(upload, self._chunk_bytes)
        part = await anext(parts, b"")
        async with self._receiving(_read_header(part), "") as job_id:
            await self._store_parts(job_id, part, parts)
            return _present(await self._store.in_transaction(lambda s: s.imports.submit(job_id)))

    async def receive_to_look_at(self, upload: AsyncIterator[bytes], name: str) -> ImportJob:
        """Store a file as it comes, and let it wait for a person to say how it is to be read.

        A guess is noted. UTF-16 is stored as UTF-8.   What breaks off leaves nothing behind.
        Raises InvalidInput if it is no CSV file, by its beginning.
        """
        parts = _parts(upload, self._chunk_bytes)
        part = await anext(parts, b"")
        if kind := find_foreign_kind(part):
            raise _refused(kind)
        codec = find_utf_16(part)
        if codec:
            parts = _parts(as_utf_8(_joined(part, parts), codec), self._chunk_bytes)
            part = await anext(parts, b"")
        watch, beginning = EncodingWatch(), part[:SAMPLE_BYTES]
        watch.look(part)
        guessed = _guess(beginning, watch.encoding, is_whole=beginning == part)
        name = "".join(c for c in name if c.isprintable())[:NAME_LENGTH]
        async with self._receiving(guessed, name) as job_id:
            count = await self._store_parts(job_id, part, parts, watch)
            is_whole = count == 1 and beginning == part
            guessed = _guess(beginning, watch.encoding, is_whole=is_whole, marked=bool(codec))
            return _present(
                await self._store.in_transaction(
                    lambda s: s.imports.hold(job_id, guessed, KEPT_UPLOADS)
                )
            )

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

        What was imported stays. Rejected rows are gone either way; so is a file that was not
        started yet.
        """
        now = self._clock.now()
        if not await self._store.in_transaction(lambda s: s.imports.cancel(job_id, now)):
            await self.get(job_id)
            await self._store.in_transaction(lambda s: s.imports.forget(job_id))

    async def list_rejects(self, job_id: UUID, limit: int) -> list[RejectedRow]:
        """Return the first rows of a job that were rejected so far, by line."""
        async with self._store.session() as session:
            return await session.imports.list_rejects(job_id, 0, limit)

    async def report(self, job: ImportJob) -> AsyncGenerator[bytes]:
        """Yield the rows of a job that were rejected so far, as `heyday users import` does."""
        delimiter = delimiter_of(job.reading)
        yield encode_header(job.columns, delimiter, has_bom=job.has_bom)
        after = 0
        while True:
            async with self._store.session() as session:
                rows = await session.imports.list_rejects(job.id, after, _REJECTS_PAGE)
            if not rows:
                return
            yield b"".join(
                row.cells + delimiter.encode() + encode([row.line, row.reason], delimiter) + b"\n"
                for row in rows
            )
            after = rows[-1].line

    @contextlib.asynccontextmanager
    async def _receiving(self, file: UploadedFile, name: str) -> AsyncGenerator[UUID]:
        """Keep a job whose file comes meanwhile; forget it if that breaks off."""
        now = self._clock.now()
        job_id = await self._store.in_transaction(
            lambda s: s.imports.create(file, now, _UPLOAD_LEASE, name)
        )
        try:
            yield job_id
        except BaseException:
            with contextlib.suppress(DatabaseError):
                await self._store.in_transaction(lambda s: s.imports.forget(job_id))
            raise

    async def _store_parts(
        self, job_id: UUID, part: bytes, parts: _PARTS, watch: EncodingWatch | None = None
    ) -> int:
        """Store a part of a file and all that follow it; return how many there were."""
        number = 0
        while part:
            if watch:
                watch.look(part)
            await self._store_part(job_id, number, part)
            part, number = await anext(parts, b""), number + 1
        return number

    async def _store_part(self, job_id: UUID, number: int, part: bytes) -> None:
        if not await self._store.in_transaction(
            lambda s: s.imports.add_chunk(job_id, number, part, _UPLOAD_LEASE)
        ):
            raise ImportNotFound


async def _parts(upload: AsyncIterator[bytes], size: int) -> _PARTS:
    """Yield a stream in parts of at least so many bytes; the last may be shorter."""
    gathered = bytearray()
    async for piece in upload:
        gathered += piece
        if len(gathered) >= size:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


async def _joined(part: bytes, parts: _PARTS) -> _PARTS:
    yield part
    async for each in parts:
        yield each


def _guess(
    beginning: bytes, encoding: Encoding, *, is_whole: bool, marked: bool = False
) -> UploadedFile:
    """Return how a file seems to be meant.

    marked: what is written back begins with a mark, by which spreadsheets know UTF-8, as it does
    where the file was not UTF-8.   Raises InvalidInput.
    """
    try:
        reading, sample = guess_reading(beginning, encoding, is_whole=is_whole)
    except InvalidInput as error:
        raise InvalidInput([FieldProblem("", p.detail) for p in error.problems]) from None
    has_bom = sample.has_bom or marked or encoding is not Encoding.UTF_8
    return UploadedFile(sample.columns, has_bom, reading)


def _read_header(beginning: bytes) -> UploadedFile:
    """Return the file of which this is the beginning. Raises InvalidInput for a wrong header."""
    try:
        file = CsvFile("", BufferedReader(BytesIO(beginning)))
        check_columns(file.columns)
    except InvalidInput as error:
        # The body is no JSON: what is wrong has no pointer.
        told = [": ".join(filter(None, (p.field, p.detail))) for p in error.problems]
        raise InvalidInput([FieldProblem("", detail) for detail in told]) from None
    return UploadedFile(file.columns, file.has_bom)


def _refused(detail: str) -> InvalidInput:
    return InvalidInput([FieldProblem("", detail)])


def _present(job: ImportJob | None) -> ImportJob:
    if job is None:
        raise ImportNotFound
    return job
