"""Show what a file would become before it is imported, and start its import as a person says."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from heyday.domain.errors import FieldProblem, ImportNotFound, InvalidInput
from heyday.domain.imports import ImportJob, ImportState, UploadedFile
from heyday.domain.people_tables import PersonFields
from heyday.domain.ports import Clock, Store
from heyday.domain.readings import Reading
from heyday.services.csv_file import CsvForm
from heyday.services.guessing import (
    SAMPLE_BYTES,
    SAMPLE_ROWS,
    Sample,
    guess_dates,
    guess_in_form,
    read_sample,
)
from heyday.services.import_rows import Layout, Row, RowChecker

_SHOWN = 8
_LOOK_FIRST = "is read in another way now: look at its first rows before you start"


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """Show a row. person: who would be imported; None: nobody, for the reason."""

    line: int
    cells: Sequence[str]
    person: PersonFields | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """Show how a file would be imported.

    columns: of the file.   examples: for each, a cell that is not empty.
    problems: of a field, of "zone" or "file": why nobody can be imported so.
    rows: the first ones.   rejected: the first of those checked that would not be taken.
    doubtful: a date of the file that may be read in two ways, if nothing tells in which.
    """

    job: ImportJob
    reading: Reading
    columns: Sequence[str]
    examples: Sequence[str]
    problems: Sequence[FieldProblem]
    rows: Sequence[PreviewRow] = ()
    rejected: Sequence[PreviewRow] = ()
    checked: int = 0
    refused: int = 0
    is_whole: bool = True
    doubtful: str | None = None


class ImportPreviewService:
    """Show and start the imports of files that were uploaded."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def show(self, job: ImportJob) -> Preview:
        """Return what the file of a job would become, read as is noted.

        Raises ImportNotFound if its import was started, or the file is gone.
        """
        return await self._show(job, _reading_of(job), await self._read_beginning(job))

    async def revise(self, job: ImportJob, reading: Reading) -> Preview:
        """Note how a file is to be read, and show it so.

        Where its cells are told apart in another way than before, its columns are others: which of
        them are fields is guessed anew.   Raises ImportNotFound if it is too late for that.
        """
        beginning = await self._read_beginning(job)
        if CsvForm.of(reading) != CsvForm.of(_reading_of(job)):
            reading = _guess_again(job, reading, beginning)
        preview = await self._show(job, reading, beginning)
        file = UploadedFile(preview.columns, job.has_bom, reading)
        if not await self._store.in_transaction(lambda s: s.imports.read_otherwise(job.id, file)):
            raise ImportNotFound
        return preview

    async def start(self, job: ImportJob, reading: Reading) -> bool:
        """Let a file be imported; tell whether it was this call that started it.

        Raises InvalidInput if nobody can be imported like this, or if the file is read in another
        way than the one that was shown last.
        """
        if job.state is not ImportState.UPLOADED:
            return False
        if CsvForm.of(reading) != CsvForm.of(_reading_of(job)):
            raise InvalidInput([FieldProblem("file", _LOOK_FIRST)])
        preview = await self._show(job, reading, await self._read_beginning(job))
        if preview.problems:
            raise InvalidInput(preview.problems)
        file, now = UploadedFile(preview.columns, job.has_bom, reading), self._clock.now()
        return await self._store.in_transaction(lambda s: s.imports.start(job.id, file, now))

    async def _read_beginning(self, job: ImportJob) -> bytes:
        async with self._store.session() as session:
            return await session.imports.read_beginning(job.id, SAMPLE_BYTES)

    async def _show(self, job: ImportJob, reading: Reading, beginning: bytes) -> Preview:
        try:
            sample = read_sample(beginning, CsvForm.of(reading), is_whole=_is_whole(job, beginning))
        except InvalidInput as error:
            return Preview(job, reading, job.columns, [""] * len(job.columns), error.problems)
        columns, rows = sample.columns, sample.rows
        problems = reading.problems(len(columns))
        checked = (
            [PreviewRow(row.line, row.cells, None, row.fault) for row in rows]
            if problems
            else await self._check(sample, reading)
        )
        refused = [row for row in checked if row.reason]
        return Preview(
            job=job,
            reading=reading,
            columns=columns,
            examples=[next(sample.cells(place), "") for place in range(len(columns))],
            problems=problems,
            rows=checked[:_SHOWN],
            rejected=refused[:_SHOWN],
            checked=len(rows),
            refused=len(refused),
            is_whole=_is_whole(job, beginning) and len(rows) < SAMPLE_ROWS,
            doubtful=guess_dates(sample, reading).doubtful,
        )

    async def _check(self, sample: Sample, reading: Reading) -> list[PreviewRow]:
        """Return what would become of each row."""
        rows = sample.rows
        checker = RowChecker(Layout.of(sample.columns, reading), self._clock, len(rows) + 1)
        reasons: dict[int, str] = {}
        people: list[PersonFields] = []
        async with aclosing(checker.chunks(_at_once(rows))) as chunks:
            async for chunk in chunks:
                people += chunk.people
                reasons |= {row.line: reason for row, reason in chunk.rejections}
        taken = iter(people)
        return [
            PreviewRow(line, cells, None if line in reasons else next(taken), reasons.get(line))
            for line, cells, _ in rows
        ]


async def _at_once(rows: Sequence[Row]) -> AsyncGenerator[Sequence[Row]]:
    yield rows


def _reading_of(job: ImportJob) -> Reading:
    if job.reading is None or job.state is not ImportState.UPLOADED:
        raise ImportNotFound
    return job.reading


def _is_whole(job: ImportJob, beginning: bytes) -> bool:
    return len(beginning) == job.bytes_total


def _guess_again(job: ImportJob, reading: Reading, beginning: bytes) -> Reading:
    """Return the same reading, with the fields in the columns that a file has in this form."""
    try:
        guessed = guess_in_form(CsvForm.of(reading), beginning, is_whole=_is_whole(job, beginning))
    except InvalidInput:
        return replace(reading, columns={})
    return replace(reading, columns=guessed.columns)
