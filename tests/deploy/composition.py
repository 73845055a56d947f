"""Read docker-compose.yml as Docker Compose does, which checks it against its specification."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
COMPOSE = Path(sys.executable).with_name("docker-compose")
# The image of their own; the others are of other people's making.
HEYDAY = ("migrate", "api", "scheduler", "worker")
PASSWORDS = {
    "DATABASE_PASSWORD": "d4t4b4s3",
    "RABBITMQ_PASSWORD": "r4bb1t",
    "REDIS_PASSWORD": "r3d1s",
    "PGADMIN_PASSWORD": "4dm1n",
    "GRAFANA_PASSWORD": "gr4f4n4",
}
# The services of this profile are there for whoever asks for it.
WATCHED = {"COMPOSE_PROFILES": "monitoring"}
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}


class Refused(Exception):
    """Docker Compose did not take the file, and said why."""


def compose(folder: Path, **settings: str) -> dict[str, Any]:
    """Return the file as it is with these lines in .env and an empty environment."""
    shutil.copy(FILE, folder)
    (folder / ".env").write_text("".join(f"{k}={v}\n" for k, v in settings.items()), "utf-8")
    done = subprocess.run(
        [COMPOSE, "config", "--format=json"],
        cwd=folder,
        env={"PATH": "", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused(done.stderr)
    composed: dict[str, Any] = json.loads(done.stdout)
    return composed


def size(text: str) -> int:
    """Return the bytes of a size such as 2g, 1GiB or 256mb."""
    match = re.fullmatch(r"(\d+)([kmg]?)(?:i?b)?", text.lower())
    assert match, f"{text} is no size"
    return int(match.group(1)) * _UNITS[match.group(2)]
