"""Find in a reply what tells of the inside: code, SQL, paths, hosts."""

import re
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]

_ALWAYS = (
    rb"Traceback|\bFile \"|\b\w+\.py\b|\bline \d+, in |site-packages",
    rb"(?<![\w.-])/(?:usr|home|root|tmp|var|etc|opt|proc|work|app|srv|mnt|Users)/",
    rb"\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM)\b[^\"]*\b(?:FROM|VALUES|SET|WHERE)\b",
    rb"SQLSTATE|\brelation \\?\"|\bsyntax error at\b|violates \w+(?: \w+)? constraint|\bpg_\w+",
    rb"\b(?:asyncpg|sqlalchemy|psycopg|litestar|starlette|uvicorn|msgspec|aiohttp|aio_pika)\b",
    rb"\b(?:postgres|postgresql|amqp|redis)://",
    rb"\b[a-z]\w+\.[a-z]\w*\.\w*[A-Z]\w+\b|<[\w.]+ object at 0x",
    rb"\b[A-Z]\w*(?:Error|Exception)\b",
    # Alone it is where the test asks from, which the audit log shows to those who may see it.
    rb"127\.0\.0\.1:\d|\blocalhost\b",
)


class Leaks:
    """Look for what no reply may hold, on this machine and with this database."""

    def __init__(self, database_url: str) -> None:
        url = urlsplit(database_url)
        here = {
            *(socket.gethostname(), socket.getfqdn(), str(ROOT), sys.prefix, sys.base_prefix),
            *(url.path.strip("/"), f":{url.port}"),
        }
        # A short name, such as that of a container called "a", would be found anywhere.
        local = [re.escape(name).encode() for name in here if len(name) > 3]
        self._pattern = re.compile(b"|".join([*_ALWAYS, *local]))

    def find(self, reply: bytes) -> str | None:
        """Return what is there that should not be, with what stands around it."""
        match = self._pattern.search(reply)
        if not match:
            return None
        around = reply[max(match.start() - 40, 0) : match.end() + 40]
        return f"{match.group()!r} in {around!r}"
