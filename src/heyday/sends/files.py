"""Keep a ledger of sends in a folder: a file for each process and day."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

import structlog

from heyday.domain.errors import SendsUnwritable
from heyday.domain.models import ClaimedMessage, Recorded
from heyday.domain.ports import Clock
from heyday.domain.send_ports import Account, Evidence, SeenRun
from heyday.sends import lines, reading
from heyday.telemetry import Metrics

T = TypeVar("T")

log = structlog.get_logger()

_RUN_EVERY = timedelta(minutes=1)
# What is older may have been dropped in good order: months of greetings, runs of jobs.
_TELLS_FOR = timedelta(days=7)
# As much as the line of a batch may take.
_PROOF = b" " * (1 << 16) + b"\n"


class FileLedger:
    """Append to a file of this process's own, and read those of all (send_ports.SendLedger).

    All files are touched by one thread: a disk that is slow holds nothing up but who waits for it,
    and lines are written in order.   unnoted: senders whose letters stay in the database itself.
    keep: for how long files are kept.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        metrics: Metrics,
        keep: timedelta,
        unnoted: Collection[str] = (),
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._metrics = metrics
        self._unnoted = frozenset(unnoted)
        self._hand = ThreadPoolExecutor(1, "sends")
        self._pen = _Pen(folder, f"{clock.now():%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}", keep)
        self._count = 0
        self._places: dict[UUID, tuple[int, int]] = {}
        self._trouble: str | None = None
        self._run_at = clock.now()
        self._evidence: Evidence | None = None

    async def begin(self, messages: Sequence[ClaimedMessage]) -> None:
        """Note durably that calls are about to be made. Raises SendsUnwritable: make none."""
        noted = [message for message in messages if message.sender not in self._unnoted]
        if not noted:
            return
        self._count += 1
        now = self._clock.now()
        line, places = lines.begin(noted, self._count, now)
        await self._write(lines.encode(line))
        self._places |= places
        claims = reading.claims_of(line)
        self._evidence = replace(self._evidence or Evidence(), claimed_at=now, claims=claims)

    async def end(self, outcomes: Sequence[Recorded]) -> None:
        """Note what came of them. What cannot be noted is missing, and counts as in doubt."""
        ours = [outcome for outcome in outcomes if outcome.message_id in self._places]
        if not ours:
            return
        now = self._clock.now()
        ended = lines.end(ours, self._places, now)
        for outcome in ours:
            del self._places[outcome.message_id]
        # Whoever looks next finds out that it cannot be written.
        with contextlib.suppress(SendsUnwritable):
            await self._write(b"".join(map(lines.encode, ended)))

    async def note_run(self, run: SeenRun) -> None:
        """Note the last run of a job that the database has, once a minute."""
        now = self._clock.now()
        if now - self._run_at < _RUN_EVERY:
            return
        self._run_at = now
        line = lines.Line(now, run=(run.id, run.started_at))
        with contextlib.suppress(SendsUnwritable):
            await self._write(lines.encode(line))
            self._evidence = replace(self._evidence or Evidence(), run_at=now, run=run)

    async def prove(self) -> None:
        """Return if it can be written, as far as is known. Raises SendsUnwritable."""
        if self._trouble:
            await self._touch(self._pen.prove)

    async def find_evidence(self) -> Evidence:
        """Return the last that was seen of the database. Raises SendsUnwritable."""
        since = self._clock.now() - _TELLS_FOR
        if self._evidence is None:
            found = await self._read(lambda: reading.find_evidence(self._folder, since))
            self._evidence = found
        return self._evidence.since(since)

    async def find_accepted(self, keys: Collection[str], since: datetime) -> Mapping[str, datetime]:
        """Return when a provider took these, as far as is noted since an instant."""
        with contextlib.suppress(SendsUnwritable):
            return await self._read(lambda: reading.find_accepted(self._folder, keys, since))
        return {}

    async def read(self, since: datetime | None) -> Account:
        """Return all that is noted since an instant. Raises SendsUnwritable."""
        return await self._read(lambda: reading.read_account(self._folder, since))

    async def close(self) -> None:
        """Close the file."""
        await asyncio.get_running_loop().run_in_executor(self._hand, self._pen.close)
        self._hand.shutdown()

    async def _write(self, data: bytes) -> None:
        await self._touch(lambda day: self._pen.write(data, day))

    async def _touch(self, work: Callable[[date], None]) -> None:
        """Do something with the file of today. Raises SendsUnwritable."""
        day = self._clock.now().astimezone(UTC).date()
        try:
            await self._by_hand(lambda: work(day))
        except OSError as error:
            self._tell(f"cannot be written ({error.strerror})")
            raise SendsUnwritable(self._trouble or "") from error
        self._tell(None)

    async def _read(self, work: Callable[[], T]) -> T:
        try:
            return await self._by_hand(work)
        except OSError as error:
            raise SendsUnwritable(f"cannot be read ({error.strerror})") from error

    async def _by_hand(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._hand, work)

    def _tell(self, trouble: str | None) -> None:
        """Raise or end the alarm."""
        if trouble and not self._trouble:
            log.error("sends_unwritable", fault=trouble)
        elif self._trouble and not trouble:
            log.warning("sends_writable")
        self._trouble = trouble
        self._metrics.sends_unwritable.set(trouble is not None)


class _Pen:
    """Write into the file of the day; let go of those that are older than is kept."""

    def __init__(self, folder: Path, writer: str, keep: timedelta) -> None:
        self._folder = folder
        self._writer = writer
        self._keep = keep
        self._day: date | None = None
        self._file = -1
        self._is_torn = False

    def write(self, data: bytes, day: date) -> None:
        """Write whole lines, durably. Raises OSError: then they count as not written."""
        if day != self._day:
            self._open(day)
        size = os.fstat(self._file).st_size
        # What a write broke off ends here, so that it spoils no other line.
        rest = memoryview(b"\n" + data if self._is_torn else data)
        self._is_torn = True
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fdatasync(self._file)
        except OSError:
            # Tried again and again, it would take what room there comes to be.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, size)
            raise
        self._is_torn = False

    def prove(self, day: date) -> None:
        """Write as much as a batch may take, and take it back. Raises OSError."""
        self.write(_PROOF, day)
        os.ftruncate(self._file, os.fstat(self._file).st_size - len(_PROOF))

    def close(self) -> None:
        """Close the file that is open."""
        if self._file >= 0:
            os.close(self._file)
            self._file, self._day = -1, None

    def _open(self, day: date) -> None:
        self.close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = reading.file_of(self._folder, self._writer, day)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._day = day
        _sync_folder(self._folder)
        for old in reading.files_of(self._folder):
            if reading.day_of(old) < day - self._keep:
                old.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Have a new file's name outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
