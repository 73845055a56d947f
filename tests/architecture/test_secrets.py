"""What opens something is found before it is committed."""

import subprocess
from pathlib import Path

import pytest

LOOK = Path(__file__).parents[2] / ".ci" / "secrets"
# In two pieces each, or this file would be found.
PLANTED = {
    "a key of Heyday's": "curl -H 'Authorization: Bearer hd_0a1b2c3d" + "_" + "5e6f7a8b" * 8,
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE",
    "a key of a cloud": "key = AKIA" + "IOSFODNN7EXAMPLQ",
    "a password in a URL": "DATABASE_URL=postgresql://heyday:" + "kS8-vq2Lw@db.internal/heyday",
    "a password by its name": 'password = "' + 'kS8-vq2Lw-91x"',
    "a token by its disorder": 'x = "' + 'Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="',
}


def look(path: Path) -> int:
    return subprocess.run([LOOK, path], check=False, capture_output=True).returncode


@pytest.mark.parametrize("kind", PLANTED)
def test_what_was_planted_is_found(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "settings.py"
    path.write_text(f"{PLANTED[kind]}\n", "utf-8")
    assert look(path) == 1


def test_what_is_none_is_not(tmp_path: Path) -> None:
    path = tmp_path / "settings.py"
    path.write_text(
        "url = 'postgresql://heyday:secret@db.example.com/heyday'\nkey = 'hd_<prefix>_<secret>'\n",
        "utf-8",
    )
    assert look(path) == 0
