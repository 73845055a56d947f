"""Keep what shows how a promise was broken."""

import json
import shutil
from pathlib import Path
from typing import Any

from tests.chaos.checker import Findings
from tests.chaos.world import World

_KEYS = 200
_QUERIES = {
    "rows": "SELECT * FROM message_logs WHERE idempotency_key = ANY ($1) ORDER BY idempotency_key",
    "attempts": (
        "SELECT m.idempotency_key, a.* FROM message_attempts a JOIN message_logs m"
        " ON m.id = a.message_id WHERE m.idempotency_key = ANY ($1) ORDER BY a.id"
    ),
    "moves": (
        "SELECT m.idempotency_key, v.* FROM chaos.moves v JOIN message_logs m"
        " ON m.id = v.message_id WHERE m.idempotency_key = ANY ($1) ORDER BY v.id"
    ),
}


async def keep(world: World, findings: Findings) -> Path:
    """Write down everything about the offending keys, beside the logs; return the folder."""
    keys = sorted({key for some in findings.broken.values() for key in some})[:_KEYS]
    found: dict[str, Any] = {"broken": findings.broken, "problems": world.problems}
    found["notes"] = world.notes
    for name, query in _QUERIES.items():
        found[name] = [dict(row) for row in await world.witness.fetch(query, keys)]
    found["requests"] = [line for line in _lines(world.provider_log) if line["key"] in set(keys)]
    shutil.copy(world.place.ground.server.log, world.place.folder / "postgresql.log")
    path = world.place.folder / "evidence.json"
    path.write_text(json.dumps(found, indent=1, default=str, ensure_ascii=False), "utf-8")
    return world.place.folder


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]
