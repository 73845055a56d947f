"""Get a key that opens the whole API of a database, by the program itself."""

import re
from pathlib import Path

from tests.acceptance.processes import run

_KEY = re.compile(r"\bhd_\w+")


def has_keys() -> bool:
    """Tell whether this Heyday asks for keys at all."""
    return run("keys", "--help", cwd=Path.cwd()).status == 0


def create_admin_key(database_url: str, folder: Path) -> str:
    """Return a new key with the scope admin; "" where no keys are asked for."""
    if not has_keys():
        return ""
    words = ("keys", "create", "tests", "--scope", "admin")
    done = run(*words, cwd=folder, DATABASE_URL=database_url)
    key = _KEY.search(done.out)
    assert key, done.err
    return key.group()


def bearer(key: str) -> dict[str, str]:
    """Return the headers that show a key."""
    return {"Authorization": f"Bearer {key}"} if key else {}
