"""Read ledgers of sends: what is known of each greeting, and what was last seen of the database."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from heyday.domain.send_ports import Account, Evidence, SeenClaim
from heyday.domain.sends import NotedSend
from heyday.sends.lines import Line, decode

_SUFFIX = ".jsonl"
# Calls that were under way when the period began that is asked for.
_BEFORE = timedelta(hours=1)
# More than the longest line has: a batch of 10,000 greetings.
_TAIL = 1 << 20
_MOST_CLAIMS = 20
# What each line begins with, before its instant.
_BEGIN = b'{"at":"'


def file_of(folder: Path, writer: str, day: date) -> Path:
    """Return where a writer notes what it sends on a day of UTC."""
    return folder / f"{writer}.{day}{_SUFFIX}"


def files_of(folder: Path, since: date | None = None) -> list[Path]:
    """Return the files of a day or later ones, a writer's in order of time. Raises OSError."""
    found = folder.glob(f"*.*{_SUFFIX}") if folder.is_dir() else ()
    return sorted(path for path in found if since is None or day_of(path) >= since)


def day_of(path: Path) -> date:
    """Return the day of a file; of one that is none of ours, a day long ago."""
    try:
        return date.fromisoformat(path.stem.rpartition(".")[2])
    except ValueError:
        return date.min


def read_account(folder: Path, since: datetime | None) -> Account:
    """Return what is noted since an instant. Raises OSError."""
    start_at = since - _BEFORE if since else None
    files = files_of(folder, start_at.date() if start_at else None)
    tally = _Tally(start_at)
    for path in files:
        tally.add(path)
    for send in tally.sends.values():
        send.close()
    return Account(tally.sends, len(files), tally.last_at, tally.unreadable)


def find_accepted(folder: Path, keys: Collection[str], since: datetime) -> Mapping[str, datetime]:
    """Return when a provider took these, as far as is noted since an instant. Raises OSError."""
    sends = read_account(folder, since).sends
    found = {key: sends[key].accepted_at for key in keys if key in sends}
    return {key: at for key, at in found.items() if at}


def find_evidence(folder: Path, since: datetime) -> Evidence:
    """Return what was last seen of the database, by any of the writers. Raises OSError."""
    claimed: Line | None = None
    seen: Line | None = None
    for path in files_of(folder, since.date()):
        for line in _last_lines(path):
            if line.begun and (claimed is None or line.at > claimed.at):
                claimed = line
            if line.run and (seen is None or line.at > seen.at):
                seen = line
    return Evidence(
        claimed_at=claimed.at if claimed else None,
        claims=claims_of(claimed) if claimed else (),
        run_at=seen.at if seen else None,
        run=seen.seen_run if seen else None,
    )


def claims_of(line: Line) -> Sequence[SeenClaim]:
    """Return some of the claims in a line: a database has all of them, or none."""
    return [claim for group in line.begun for claim in group.claims][:_MOST_CLAIMS]


def _last_lines(path: Path) -> list[Line]:
    """Return the lines at the end of a file; all, where the end holds no claim."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - _TAIL, 0))
        found = _decoded(file.read())
        if size > _TAIL and not any(line.begun for line in found):
            file.seek(0)
            found = _decoded(file.read())
    return found


def _decoded(data: bytes) -> list[Line]:
    lines = (decode(each) for each in data.split(b"\n") if each.strip())
    return [line for line in lines if line]


class _Tally:
    """Add up files, those of one writer in order of time."""

    def __init__(self, since: datetime | None) -> None:
        self.sends: dict[str, NotedSend] = {}
        self.last_at: datetime | None = None
        self.unreadable = 0
        self._since = since
        # By writer and number the keys of a batch that is not at its end, in order of places.
        self._batches: dict[tuple[str, int], list[str]] = {}

    def add(self, path: Path) -> None:
        """Add a file."""
        writer = path.name.partition(".")[0]
        for line in self._lines(path):
            self.last_at = max(self.last_at or line.at, line.at)
            if line.begun:
                self._begin(line, (writer, line.n))
            for outcome, places in line.ended.items():
                self._end(line.at, outcome, places, self._batches.get((writer, line.n)))

    def _lines(self, path: Path) -> Iterator[Line]:
        earliest = (
            _BEGIN + self._since.strftime("%Y-%m-%dT%H:%M:%S").encode() if self._since else b""
        )
        with path.open("rb") as file:
            for data in file:
                # Most of what is asked for is late in a file: what is earlier is not decoded.
                if not data.strip() or data[: len(earliest)] < earliest:
                    continue
                if (line := decode(data)) is None:
                    self.unreadable += 1
                else:
                    yield line

    def _begin(self, line: Line, batch: tuple[str, int]) -> None:
        keys = []
        for group in line.begun:
            for claim in group.claims:
                keys.append(claim.key)
                send = self.sends.setdefault(claim.key, NotedSend(claim.due_at, group.sender))
                send.begin(line.at, group.sender)
        self._batches[batch] = keys

    def _end(
        self, at: datetime, outcome: str, places: Sequence[int], keys: Sequence[str] | None
    ) -> None:
        for place in places:
            if keys and place < len(keys):
                self.sends[keys[place]].end(at, outcome)
