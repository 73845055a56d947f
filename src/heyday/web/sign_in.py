"""Serve the door: who shows an API key gets a session, and gives it back at the end.

A page from elsewhere could sign a visitor in with its own key, to see what they then type: so a
browser must say that the form comes from here (domain/sessions.py).
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, quote

from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_401_UNAUTHORIZED,
    HTTP_403_FORBIDDEN,
)

from heyday.domain.access import ApiKey
from heyday.domain.audit import DEED, Actor, ActorKind
from heyday.domain.callers import UNKNOWN, read_address
from heyday.domain.sessions import (
    HOME,
    cookie_name,
    is_from_here,
    is_open_wire,
    is_unsafe_place,
    own_path,
)
from heyday.services.signing_in import SignInService
from heyday.web.routes import action, page
from heyday.web.shell import PageRequest, Shell

_PATH = "/sign-in"
_MAKE_KEY = 'heyday keys create "Ada" --scope users:read --scope messages:read'
_LONGEST_BODY = 8 * 1024
_FORM = "application/x-www-form-urlencoded"


def _(text: str) -> str:
    """Mark a text for translation; the template translates it."""
    return text


_WRONG = _(
    "This is no key that opens anything: it may be incomplete, have ended, or have been revoked."
)
_FROM_ELSEWHERE = _(
    "Your browser did not say that this form comes from here, so nothing was done. Type the key on "
    "this page."
)
_OPEN_WIRE = _(
    "This page came to you without encryption, and so would your key have gone: nobody is signed "
    "in that way. Use an address that begins with https, or the machine that Heyday runs on. If "
    "you have just typed a key, have it revoked."
)


class SignInPages:
    """Bind the door to the service."""

    def __init__(self, shell: Shell, signing_in: SignInService) -> None:
        self._shell = shell
        self._signing_in = signing_in

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        begin: dict[str, Any] = {
            "is_door": True,
            "audit": "session.sign_in",
            "request_max_body_size": _LONGEST_BODY,
        }
        return [
            page(_PATH, None)(self.show_door),
            action(_PATH, None, **begin)(self.sign_in),
            action("/sign-out", None, audit="session.sign_out")(self.sign_out),
        ]

    async def show_door(self, request: PageRequest) -> Response[str]:
        """Ask for a key; lead on whoever is signed in."""
        asked = request.query_params
        path = own_path(asked.get("next", HOME))
        if request.scope["state"].get("caller") is not None:
            return self._shell.go(request, path)
        if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            # Who follows a link from a letter comes without the cookie, which is for our own pages
            # alone. From this page, which is ours, they come again with it.
            again = f"{_PATH}?next={quote(path, safe='/')}"
            return self._shell.page(request, "passing.html", _("One moment"), again=again)
        return self._door(request, path, was_lost="lost" in asked)

    async def sign_in(self, request: PageRequest) -> Response[str]:
        """Begin a session with the key that was typed."""
        form = await _form(request)
        path = own_path(form.get("next", HOME))
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if is_open_wire(host, origin):
            return self._door(request, path, problem=_OPEN_WIRE, status_code=HTTP_403_FORBIDDEN)
        if not is_from_here(host, request.headers.get("sec-fetch-site"), origin):
            return self._door(
                request, path, problem=_FROM_ELSEWHERE, status_code=HTTP_403_FORBIDDEN
            )
        address = read_address(request.client.host) if request.client else UNKNOWN
        key = await self._signing_in.check(form.get("key", ""), address)
        if key is None:
            status = HTTP_401_UNAUTHORIZED
            return self._door(request, path, problem=_WRONG, status_code=status)
        _name_actor(key)
        token = await self._signing_in.begin(key, request.cookies.get(_cookie(request)))
        response = self._shell.go(request, path)
        _set(request, response, token)
        return response

    async def sign_out(self, request: PageRequest) -> Response[str]:
        """End the session."""
        if token := request.scope["state"].get("session"):
            await self._signing_in.end(token)
        response = self._shell.go(request, _PATH, said=_("You are signed out."))
        _set(request, response, None)
        return response

    def _door(
        self,
        request: PageRequest,
        path: str,
        *,
        problem: str | None = None,
        was_lost: bool = False,
        status_code: int = HTTP_200_OK,
    ) -> Response[str]:
        response = self._shell.page(
            request,
            "sign_in.html",
            _("Sign in"),
            status_code=status_code,
            next=path,
            problem=problem,
            was_lost=was_lost,
            make_key=_MAKE_KEY,
        )
        if status_code == HTTP_401_UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response


async def _form(request: PageRequest) -> dict[str, str]:
    """Return the fields of a form that has few and short ones; none for any other body."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    fields = parse_qs((await request.body()).decode("latin-1"), max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}


def _name_actor(key: ApiKey) -> None:
    """Have the audit log know who signed in: at the door nobody was anybody yet."""
    if deed := DEED.get():
        deed.actor = Actor(ActorKind.KEY, key.name, key.id, deed.actor.address)


def _cookie(request: PageRequest) -> str:
    return cookie_name(request.url.scheme, request.headers.get("host", ""))


def _set(request: PageRequest, response: Response[str], token: str | None) -> None:
    """Have the browser keep a token until it is closed; None: throw away the one it has."""
    scheme, host = request.url.scheme, request.headers.get("host", "")
    response.set_cookie(
        key=cookie_name(scheme, host),
        value=token or "",
        path="/",
        max_age=None if token else 0,
        httponly=True,
        samesite="strict",
        secure=not is_unsafe_place(scheme, host),
    )
