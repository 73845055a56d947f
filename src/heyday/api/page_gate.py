"""Stand before pages: a session in a browser counts as the key that it was begun with.

Nothing but pages looks at cookies, so that nothing of the API can be asked for in somebody's name
by a page from elsewhere.
"""

import os
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from heyday.api.calls import address_of, header_of, is_by_htmx, wants_page
from heyday.api.credentials import BEARER, HEADER
from heyday.api.doors import Access
from heyday.api.form_proof import SAFE_METHODS, prove
from heyday.api.problems import Forbidden, Unauthenticated
from heyday.domain.access import ApiKey, Caller, Scope
from heyday.domain.errors import DatabaseError
from heyday.domain.sessions import HOME, NONCE_BYTES, cookie_name, form_csrf, own_path

if TYPE_CHECKING:
    from litestar.types import HTTPScope, Receive, Send

SIGN_IN = "/sign-in"
# The option of a page that proves by itself where its form comes from: nobody is signed in there.
IS_DOOR = "is_door"


class PageGate:
    """Let those in who are signed in, or show a key, and lead the others to the door."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def enter(
        self, scope: "HTTPScope", receive: "Receive", send: "Send", needed: Scope | None
    ) -> "Receive | None":
        """Return what the page reads its request from; None if the request is answered by now.

        Puts who asks into the state of the request, and the proof that forms of the page need.
        Raises Forbidden, Forged, Unauthenticated, TooManyRequests, DatabaseError.
        """
        state, address = scope["state"], address_of(scope)
        if _shows_key(scope) or self._access.sessions is None:
            # A program: no page from elsewhere can have put this header there.
            key = await self._access.key_shown(scope, address) if needed else None
        else:
            key = await self._key_of_session(scope, needed)
        if key:
            state["caller"] = Caller(key.id, key.name, key.scopes, address)
        elif needed:
            await _lead_to_door(scope, send)
            return None
        if key and needed and not key.allows(needed):
            raise Forbidden(needed)
        return await self._proven(scope, receive)

    async def _key_of_session(self, scope: "HTTPScope", needed: Scope | None) -> ApiKey | None:
        strangers, sessions = self._access.metrics.api_strangers, self._access.sessions
        token = _token_of(scope)
        if token is None or sessions is None:
            if needed:
                strangers.labels("nothing").inc()
            return None
        # What a page asks by itself every few seconds keeps nobody signed in.
        is_use = not scope["route_handler"].opt.get("is_routine", False)
        try:
            key = await sessions.find(token, is_use=is_use)
        except DatabaseError:
            # What anybody may see is shown to whoever cannot be asked after.
            if needed or scope["method"] not in SAFE_METHODS:
                raise
            return None
        if key is None:
            strangers.labels("old session").inc()
            return None
        scope["state"]["session"] = token
        scope["state"]["csrf_token"] = form_csrf(token, os.urandom(NONCE_BYTES))
        return key

    async def _proven(self, scope: "HTTPScope", receive: "Receive") -> "Receive":
        token = scope["state"].get("session")
        if token is None or scope["method"] in SAFE_METHODS:
            return receive
        if scope["route_handler"].opt.get(IS_DOOR, False):
            return receive
        return await prove(scope, receive, token)


async def _lead_to_door(scope: "HTTPScope", send: "Send") -> None:
    """Lead a browser to the door, from where it comes back. Raises Unauthenticated for others."""
    if not wants_page(scope):
        raise Unauthenticated(BEARER)
    is_lost = scope["method"] not in SAFE_METHODS
    if is_by_htmx(scope) or is_lost:
        # Who sends a form, or asks for a part of a page, wants to be back at the page itself.
        name = b"hx-current-url" if is_by_htmx(scope) else b"referer"
        back = _path_of(header_of(scope, name) or HOME)
    else:
        query = scope["query_string"].decode("latin-1")
        back = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    door = f"{SIGN_IN}?next={quote(own_path(back), safe='/')}" + ("&lost=1" if is_lost else "")
    status, name = HTTPStatus.SEE_OTHER, b"location"
    if is_by_htmx(scope):
        status, name = HTTPStatus.UNAUTHORIZED, b"hx-redirect"
    headers = [(name, door.encode()), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _shows_key(scope: "HTTPScope") -> bool:
    """Tell whether a program shows its key. What browsers still add of HTTP Basic is none."""
    return (header_of(scope, HEADER) or "").lower().startswith("bearer")


def _path_of(url: str) -> str:
    """Return the path and query of a URL; its host counts for nothing."""
    parts = urlsplit(url)
    return (parts.path or HOME) + (f"?{parts.query}" if parts.query else "")


def _token_of(scope: "HTTPScope") -> str | None:
    """Return the token from the cookie; None for two of them: nobody can say whose each is."""
    host, scheme = header_of(scope, b"host") or "", str(scope["scheme"])
    wanted = cookie_name(scheme, host).encode() + b"="
    cookies = (
        pair.strip()
        for name, value in scope["headers"]
        if name == b"cookie"
        for pair in value.split(b";")
    )
    found = {pair.removeprefix(wanted) for pair in cookies if pair.startswith(wanted)}
    return found.pop().decode("latin-1") if len(found) == 1 else None
