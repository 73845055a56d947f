"""Show the HTML of a letter in a frame of its own, in which nothing runs and nothing is fetched.

A letter holds what somebody wrote, and its styles, which the pages' own policy would not let pass.
So it is a document of its own, with a policy of its own, that pages show in a frame.
"""

import re
from enum import StrEnum
from typing import Final

from litestar.response import Response

SANDBOX: Final = "allow-popups allow-popups-to-escape-sandbox"
"""What the frame is allowed: that a link opens elsewhere, as in a mail program."""

_POLICY = (
    f"sandbox {SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# Where a document's head begins: what stands first in it counts.
_HEAD = re.compile(r"<head\b[^>]*>|<html\b[^>]*>|<!doctype\b[^>]*>", re.IGNORECASE)
_LINKS = '<base target="_blank">'
_SCHEME = '<meta name="color-scheme" content="{}">'


class Look(StrEnum):
    """Name the screens that a letter may be looked at on."""

    AUTO = "auto"
    """As the reader's own is."""
    LIGHT = "light"
    DARK = "dark"

    @classmethod
    def read(cls, text: object) -> "Look":
        """Return the look of this name, or that of the reader's own screen."""
        return cls(str(text)) if text in set(cls) else cls.AUTO


def show_letter(html: str, look: Look = Look.AUTO) -> Response[str]:
    """Return a letter for a frame. Its links open elsewhere; pictures from elsewhere stay away."""
    return Response(
        _with_ours(html, look),
        media_type="text/html",
        headers={"Content-Security-Policy": _POLICY},
    )


def _with_ours(html: str, look: Look) -> str:
    ours = _LINKS if look is Look.AUTO else f"{_LINKS}{_SCHEME.format(look)}"
    last = None
    for found in _HEAD.finditer(html):
        last = found
        if found[0][1:5].lower() == "head":
            break
    end = last.end() if last else 0
    return f"{html[:end]}{ours}{html[end:]}"
