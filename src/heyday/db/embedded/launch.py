"""Become another account and turn into a program: how root starts PostgreSQL.

PostgreSQL refuses to run as root, and the account it then gets often cannot enter the folder a
clone lies in (/root, `mktemp -d`). Opening those folders is not ours to do. On Linux the account
may instead keep one of root's capabilities, the smallest with which every needed path is in reach:
none; CAP_DAC_READ_SEARCH, to read and enter; CAP_DAC_OVERRIDE where a container withholds that.

Run as a script, in a process of its own, so it imports nothing of Heyday:
    launch.py UID GID NEEDED_PATH... -- PROGRAM [ARGUMENT...]
"""

import ctypes
import os
import sys
from pathlib import Path

_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_SECBIT_NO_SETUID_FIXUP = 4
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2


def as_account(argv: list[str], uid: int, gid: int, needed: list[Path]) -> list[str]:
    """Return the command with which root runs `argv` as `uid`, able to read all `needed` paths."""
    script = [sys.executable, "-I", "-S", __file__]
    return [*script, str(uid), str(gid), *map(str, needed), "--", *argv]


class _Capabilities(ctypes.Structure):
    # Two rows: capabilities 0-31, then 32-63. Ours are all in the first.
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _set_capabilities(libc: ctypes.CDLL, *, usable: int, permitted: int) -> bool:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    rows = (_Capabilities * 2)(_Capabilities(usable, permitted, usable))
    return bool(libc.capset(header, rows) == 0)


def _permitted(libc: ctypes.CDLL) -> int:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    rows = (_Capabilities * 2)()
    libc.capget(header, rows)
    return int(rows[0].permitted)


def _prctl(libc: ctypes.CDLL, option: int, *arguments: int) -> bool:
    four = [*arguments, 0, 0, 0, 0][:4]
    return bool(libc.prctl(option, *map(ctypes.c_ulong, four)) == 0)


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _can_reach(needed: list[str]) -> bool:
    # Asked one by one: CAP_DAC_READ_SEARCH grants reading a file, but not both in one question.
    return all(os.access(path, mode) for path in needed for mode in (os.R_OK, os.X_OK))


def _become_with_reach(uid: int, gid: int, needed: list[str]) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    held = _permitted(libc)
    # Without this bit a change of account drops all capabilities, and access(2), which PostgreSQL
    # asks about its own programs, takes no account of those that are left.
    keeps = _prctl(libc, _PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
    _become(uid, gid)
    if not keeps:
        return _can_reach(needed)
    for capability in (None, _CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        bit = 0 if capability is None else 1 << capability
        if _set_capabilities(libc, usable=bit & held, permitted=held) and _can_reach(needed):
            _set_capabilities(libc, usable=bit & held, permitted=bit & held)
            return capability is None or _prctl(
                libc, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability
            )
    return False


def main(arguments: list[str]) -> None:
    """Change account and become the program; ends with a message if that is refused."""
    split = arguments.index("--")
    (uid, gid, *needed), program = arguments[:split], arguments[split + 1 :]
    try:
        if sys.platform == "linux":
            reachable = _become_with_reach(int(uid), int(gid), needed)
        else:
            _become(int(uid), int(gid))
            reachable = _can_reach(needed)
    except OSError as error:
        sys.exit(f"PostgreSQL refuses to run as root, and root may not become user {uid}: {error}")
    if not reachable:
        sys.exit(
            f"root has to start PostgreSQL as user {uid}, who cannot read {' and '.join(needed)}; "
            "keep Heyday in a folder that others may enter, or run it as an ordinary user"
        )
    os.execv(program[0], program)  # noqa: S606 - replacing this process is its purpose


if __name__ == "__main__":
    main(sys.argv[1:])
