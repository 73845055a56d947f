"""Compress replies for callers who take gzip.

BREACH needs a secret, sent beside text of the attacker's choosing: the one reply that holds a
credential, a new key, is not compressed.
"""

import re
from typing import TYPE_CHECKING

from litestar.config.compression import CompressionConfig
from litestar.datastructures import Headers
from litestar.middleware.compression import CompressionMiddleware

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send

# A route's option: its replies are sent as they are, for their ETag's sake, or as they are so long
# that to compress them each time would hold up what else the process does.
UNCOMPRESSED = "uncompressed"
SMALLEST_BYTES = 1024

_NO_GZIP = re.compile(r"\bgzip\s*;\s*q=0(\.0*)?\s*(,|$)", re.ASCII | re.IGNORECASE)


class Gzip(CompressionMiddleware):
    """Compress unless the caller says no; Litestar takes the bare word, in `gzip;q=0` too."""

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        if _NO_GZIP.search(Headers.from_scope(scope).get("accept-encoding", "")):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


COMPRESSION = CompressionConfig(
    "gzip",
    minimum_size=SMALLEST_BYTES,
    gzip_compress_level=6,
    exclude_opt_key=UNCOMPRESSED,
    middleware_class=Gzip,
)
