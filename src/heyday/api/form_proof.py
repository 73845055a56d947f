"""Hold every write of a session to coming from a page of that session.

A browser adds the cookie to whatever it sends, so the cookie proves nothing of who wrote a request.
Three things do, and each must hold: the cookie is SameSite=Strict, the browser says that the
request comes from our own page, and the request has a proof that only our pages could hold.
"""

import re
from typing import TYPE_CHECKING

from heyday.api.calls import header_of
from heyday.api.problems import Forged
from heyday.domain.sessions import CSRF_FIELD, CSRF_LENGTH, is_csrf, is_from_here

if TYPE_CHECKING:
    from litestar.types import HTTPReceiveMessage, HTTPScope, Receive

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_HEADER = b"x-csrf-token"
# A form begins with its proof: what comes after it, such as a file, is not read here.
_READ_AHEAD = 64 * 1024
_FIELD = re.compile(
    rb'(?:(?:^|&)%(name)s=|name="%(name)s"\r\n\r\n)([0-9a-f]{%(length)d})(?=&|\r\n|$)'
    % {b"name": CSRF_FIELD.encode(), b"length": CSRF_LENGTH}
)


async def prove(scope: "HTTPScope", receive: "Receive", token: str) -> "Receive":
    """Return what to read the request's body from, once it is proven. Raises Forged."""
    site, origin = header_of(scope, b"sec-fetch-site"), header_of(scope, b"origin")
    # A browser that says neither is old, and has no cookie of ours from elsewhere, or the proof.
    if is_from_here(header_of(scope, b"host") or "", site, origin) is False:
        raise Forged
    given = header_of(scope, _HEADER)
    if given is None:
        given, receive = await _read_field(receive)
    if not is_csrf(token, given):
        raise Forged
    return receive


async def _read_field(receive: "Receive") -> "tuple[str, Receive]":
    """Return the proof from the beginning of a form, and what reads the form from there again."""
    messages: list[HTTPReceiveMessage] = []
    head = bytearray()
    found: re.Match[bytes] | None = None
    while found is None and len(head) < _READ_AHEAD:
        message = await receive()
        messages.append(message)  # type: ignore[arg-type] # a request over HTTP has no others
        if message["type"] != "http.request":
            break
        head += message["body"]
        found = _FIELD.search(head)
        if not message["more_body"]:
            break
    again = iter(messages)

    async def replayed() -> "HTTPReceiveMessage":
        return next(again, None) or await receive()  # type: ignore[return-value] # as above

    return found[1].decode() if found else "", replayed
