"""Render pages: what all of them share is here and in layout.html, what one shows in its own."""

from dataclasses import dataclass
from gettext import NullTranslations
from typing import Any, Final
from urllib.parse import quote, unquote

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar.connection import Request
from litestar.datastructures import State
from litestar.response import Response
from litestar.status_codes import HTTP_200_OK, HTTP_303_SEE_OTHER

from heyday.domain.access import Caller, Scope
from heyday.domain.countries import with_country
from heyday.domain.ports import Clock
from heyday.web import times
from heyday.web.static_files import StaticFiles

PageRequest = Request[object, object, State]

POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)
_TRANSLATIONS: Final = NullTranslations()
_SAID = "heyday_said"
_SAID_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Describe an entry of the navigation: its path, its name, and which scope it takes."""

    path: str
    name: str
    scope: Scope


def _(name: str) -> str:
    """Mark a name for translation; templates translate it."""
    return name


PLACES: Final = (
    Place("/today", _("Today"), Scope.MESSAGES_READ),
    Place("/calendar", _("Calendar"), Scope.USERS_READ),
    Place("/people", _("People"), Scope.USERS_READ),
    Place("/messages", _("Messages"), Scope.MESSAGES_READ),
    Place("/texts", _("Texts"), Scope.MESSAGES_READ),
    Place("/inbox", _("Inbox"), Scope.USERS_READ),
    Place("/status", _("Health"), Scope.MESSAGES_READ),
)


class Visitor:
    """Tell templates who looks at a page, and what they may do."""

    def __init__(self, caller: Caller | None) -> None:
        self._scopes = caller.scopes if caller else frozenset()
        self.name = caller.name if caller else None

    def may(self, scope: str) -> bool:
        """Tell whether the visitor's key allows something, such as "users:write"."""
        return bool(self._scopes & {Scope(scope), Scope.ADMIN})


class Shell:
    """Render templates, for a browser or for a part of a page that it has."""

    def __init__(self, clock: Clock, statics: StaticFiles) -> None:
        self._clock = clock
        self._environment = make_environment()
        self._environment.globals["static"] = statics.url

    def page(
        self,
        request: PageRequest,
        template: str,
        title: str,
        *,
        status_code: int = HTTP_200_OK,
        **values: Any,
    ) -> Response[str]:
        """Return a whole page; what was last said to the visitor is shown on it, this once."""
        said = request.cookies.get(_SAID)
        values |= {"title": translate(title), "said": unquote(said) if said else None}
        response = self.part(request, template, status_code=status_code, **values)
        if said:
            response.delete_cookie(_SAID, path="/")
        return response

    def part(
        self, request: PageRequest, template: str, *, status_code: int = HTTP_200_OK, **values: Any
    ) -> Response[str]:
        """Return a template without asking for what the frame of a page needs."""
        visitor = Visitor(request.scope["state"].get("caller"))
        text = self._environment.get_template(template).render(
            visitor=visitor,
            places=[place for place in PLACES if visitor.may(place.scope)],
            here=request.url.path,
            now=self._clock.now(),
            csrf_token=request.scope["state"].get("csrf_token", ""),
            **values,
        )
        # Without a referrer a browser does not say either that a form comes from our own page.
        headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
        return Response(text, status_code=status_code, media_type="text/html", headers=headers)

    def go(self, request: PageRequest, path: str, said: str | None = None) -> Response[str]:
        """Lead to a page after a form was taken. said: what it shows first, this once."""
        response = Response("", status_code=HTTP_303_SEE_OTHER, media_type="text/html")
        response.headers["Location"] = path
        if said:
            response.set_cookie(
                key=_SAID,
                value=quote(said),
                path="/",
                max_age=_SAID_SECONDS,
                httponly=True,
                samesite="strict",
                secure=request.url.scheme == "https",
            )
        return response

    def say(self, text: str, number: int | None = None, many: str = "") -> str:
        """Return a text in the visitor's language; of two the one that goes with a number."""
        if number is None:
            return _TRANSLATIONS.gettext(text)
        return _TRANSLATIONS.ngettext(text, many, number) % {"num": times.count(number)}


def translate(text: str, **values: object) -> str:
    """Return a text that a template is given. `gettext` would take it for markup of ours."""
    translated = _TRANSLATIONS.gettext(text)
    return translated % values if values else translated


def make_environment() -> Environment:
    """Return what templates are rendered with: values are escaped, and an unknown name fails."""
    environment = Environment(
        loader=PackageLoader("heyday.web"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(_TRANSLATIONS, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["translate"] = translate
    environment.filters |= {
        "wall": times.wall,
        "day": times.day,
        "iso": times.iso,
        "lasting": times.length,
        "span": times.span,
        "number": times.count,
        "place": with_country,
    }
    return environment
