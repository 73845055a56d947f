"""Decide which account PostgreSQL runs as, and to whom created files belong."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

if sys.platform != "win32":
    import pwd

_NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Account:
    """Name a user and a group by number."""

    uid: int
    gid: int


def server_account(folder: Path) -> Account | None:
    """Return the account for a server whose files are in `folder`; None means our own.

    PostgreSQL refuses to run as root. Root therefore hands it to the owner of the data or, before
    there are any, of the folder, so that a clone's owner can go on without root. Where that is
    root too, or without a name on this machine (which initdb refuses), it is `nobody`.
    """
    if os.geteuid() != 0:
        return None
    data = folder / "data"
    owner = (data if data.exists() else folder).stat()
    if owner.st_uid != 0 and (data.exists() or _has_name(owner.st_uid)):
        return Account(owner.st_uid, owner.st_gid)
    return _nobody()


def make_folders(path: Path) -> None:
    """Create `path` and what is missing above it, each owned by the owner of the folder above."""
    missing = [level for level in (path, *path.parents) if not level.exists()]
    for level in reversed(missing):
        level.mkdir(exist_ok=True)
        give(level, owner_above(level))


def open_private(path: Path, flags: int) -> int:
    """Open a file, created readable by its owner only: the owner of the folder it is in.

    A link is not followed: the folder may belong to another account than ours.
    """
    fd = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if owner := owner_above(path):
        os.fchown(fd, owner.uid, owner.gid)
    return fd


def owner_above(path: Path) -> Account | None:
    """Return who owns the folder that `path` is in; None if we may not give files away."""
    if os.geteuid() != 0:
        return None
    above = path.parent.stat()
    return Account(above.st_uid, above.st_gid)


def give(path: Path, account: Account | None) -> None:
    """Make `account` the owner; None leaves it with us."""
    if account:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _nobody() -> Account:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(_NOBODY, _NOBODY)
    return Account(entry.pw_uid, entry.pw_gid)
