"""Serve the page behind the link of a greeting: it asks, and a POST unsubscribes (RFC 8058).

A GET changes nothing: mail scanners fetch links. A POST needs no more than the link, neither key
nor cookie; whatever its body says but `which=all`, it is about greetings of the link's type.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs

from litestar import get, post
from litestar.connection import Request
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Response
from litestar.status_codes import HTTP_200_OK, HTTP_404_NOT_FOUND

from heyday.domain.errors import UnknownLink
from heyday.services.unsubscribing import PATH, UnsubscribeService

# As everywhere (api/frame.py), but its own form may be sent.
_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_BUTTON = '<button class="{kind}" name="which" value="{which}">{label}</button>'
_FORM = '<form method="post">\n{buttons}\n</form>'


class UnsubscribeRoutes:
    """Bind the page to the service."""

    def __init__(self, unsubscribing: UnsubscribeService) -> None:
        self._unsubscribing = unsubscribing
        self._page = _read("unsubscribe.html").decode()
        self._files = {"page.css": _read("static/unsubscribe.css")}
        self._files["icon.svg"] = _read("static/icon.svg")

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers. Anybody may ask: the link is all that a person has."""
        path = f"{PATH}/{{token:str}}"
        public: dict[str, Any] = {"scope": None, "include_in_schema": False}
        return [
            get(path, **public)(self.ask),
            post(path, status_code=HTTP_200_OK, **public)(self.leave),
            get(f"{PATH}/page.css", media_type="text/css", **public)(self.show_style),
            get(f"{PATH}/icon.svg", media_type="image/svg+xml", **public)(self.show_icon),
        ]

    async def show_style(self) -> bytes:
        """Show how the page looks. Other files of pages are for those who have a key."""
        return self._files["page.css"]

    async def show_icon(self) -> bytes:
        """Show its picture."""
        return self._files["icon.svg"]

    async def ask(self, token: FromPath[str]) -> Response[str]:
        """Ask, and change nothing."""
        try:
            kind = _kind(self._unsubscribing.read(token).message_type)
        except UnknownLink:
            return self._refuse()
        text = f"You can stop the {kind} greetings that come to you, or all greetings."
        form = _form(("type", f"Stop {kind} greetings"), ("all", "Stop all greetings"))
        note = "<p>Nothing changes before you press a button.</p>"
        return self._show("Greet me no more?", text, f"{form}\n{note}")

    async def leave(
        self, token: FromPath[str], request: Request[object, object, State]
    ) -> Response[str]:
        """Unsubscribe; what the reply says is done."""
        is_for_all = _asks_for_all(await request.body())
        try:
            subject = await self._unsubscribing.follow(token, is_for_all=is_for_all)
        except UnknownLink:
            return self._refuse()
        if is_for_all:
            return self._show("Done", "You will get no more greetings.")
        kind = _kind(subject.message_type)
        form = _form(("all", "Stop all greetings as well"))
        return self._show("Done", f"You will get no more {kind} greetings.", form)

    def _refuse(self) -> Response[str]:
        text = "It may have been cut short. Open it whole, as it stands in the letter."
        return self._show("This link does not work", text, status_code=HTTP_404_NOT_FOUND)

    def _show(
        self, title: str, text: str, form: str = "", *, status_code: int = HTTP_200_OK
    ) -> Response[str]:
        """Return the page. Nothing in it comes from the request or from a person."""
        page = self._page
        for place, value in (("title", title), ("text", text), ("form", form)):
            page = page.replace(f"{{{place}}}", value)
        headers = {"Content-Security-Policy": _POLICY}
        return Response(page, status_code=status_code, media_type="text/html", headers=headers)


def _read(path: str) -> bytes:
    return files("heyday.web").joinpath(path).read_bytes()


def _kind(message_type: str) -> str:
    """Return how a person calls a message type: birthday for BIRTHDAY."""
    return message_type.lower().replace("_", " ")


def _form(*choices: tuple[str, str]) -> str:
    kinds = ["first", *("other" for _ in choices[1:])]
    buttons = [
        _BUTTON.format(kind=kind, which=which, label=label)
        for kind, (which, label) in zip(kinds, choices, strict=True)
    ]
    return _FORM.format(buttons="\n".join(buttons))


def _asks_for_all(body: bytes) -> bool:
    """Tell whether a form says so; any other body, or none, does not."""
    return parse_qs(body.decode("latin-1")).get("which") == ["all"]
