"""Serve the files that pages are made of: how they look, and what makes them quick.

They hold nothing about anybody, so anybody may have them. A page names each with a part of its
hash, and a browser keeps it until that changes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import PurePath

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Response

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_GOOD = "public, max-age=31536000, immutable"


class StaticFiles:
    """Hold the files in memory."""

    def __init__(self) -> None:
        self._files: Mapping[str, bytes] = {
            file.name: file.read_bytes()
            for file in files("heyday.web").joinpath("static").iterdir()
            if PurePath(file.name).suffix in _MEDIA_TYPES
        }
        self._versions = {
            name: hashlib.sha256(content).hexdigest()[:12] for name, content in self._files.items()
        }

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        options = {"scope": None, "is_routine": True, "include_in_schema": False}
        return [get("/static/{name:str}", **options)(self.show_file)]  # type: ignore[arg-type]

    def url(self, name: str) -> str:
        """Return the path by which a page names a file. Raises KeyError if there is none."""
        return f"/static/{name}?v={self._versions[name]}"

    async def show_file(self, name: FromPath[str], v: FromQuery[str] = "") -> Response[bytes]:
        """Show one file."""
        if name not in self._files:
            raise NotFoundException
        is_named_whole = v == self._versions[name]
        return Response(
            self._files[name],
            media_type=_MEDIA_TYPES[PurePath(name).suffix],
            headers={"Cache-Control": _FOR_GOOD if is_named_whole else "no-cache"},
        )
