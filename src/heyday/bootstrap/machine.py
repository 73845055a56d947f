"""Look at what this machine keeps for Heyday: files with secrets in them, and room for a database.

Nothing here waits for anybody.
"""

import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from heyday.domain.troubles import Level, Part, Trouble, _
from heyday.settings import Settings
from heyday.settings.mail import parse_keys

ENV_FILE = Path(".env")
_LITTLE_BYTES = 2 << 30
_LEAST_BYTES = 256 << 20
_MIB = 1 << 20


def secret_files(settings: Settings | None) -> Sequence[Path]:
    """Return the files that may hold secrets. settings: None where they cannot be read."""
    keys = parse_keys(settings.dkim_keys).values() if settings else ()
    return [ENV_FILE, *keys]


def troubles_of_files(paths: Sequence[Path]) -> Iterator[Trouble]:
    """Yield those that others than their owner can read or write."""
    for path in paths:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue  # what must be there, others miss
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield Trouble(
                Part.FILES,
                Level.WARNING,
                _("Others than its owner can read or write %(path)s (its rights are %(mode)s)."),
                _("Take their rights away: chmod go-rwx, and the name of the file."),
                {"path": path, "mode": f"{mode:03o}"},
            )


def troubles_of_disk(settings: Settings) -> Iterator[Trouble]:
    """Yield what is to be said of the room that Heyday's own database has."""
    folder = settings.home.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < _LITTLE_BYTES:
        yield Trouble(
            Part.DISK,
            Level.ALARM if free < _LEAST_BYTES else Level.WARNING,
            _("Only %(free)s MiB are free where Heyday's own database is (HEYDAY_HOME)."),
            _("Make room, or set DATABASE_URL to a PostgreSQL that has some."),
            {"free": free // _MIB},
        )
