"""Answer a browser with a page where something is refused or fails, and programs as ever."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, cast

from litestar.connection import Request
from litestar.datastructures import State
from litestar.response import Response

from heyday.api.access import IS_PAGE
from heyday.api.answers import answer, describe
from heyday.api.calls import wants_page
from heyday.api.shapes import Fault

if TYPE_CHECKING:
    from litestar.handlers import BaseRouteHandler

# What lies below these is for programs, whatever they accept.
_API = (
    "/api/",
    "/docs/",
    "/health",
    "/metrics",
    "/openapi.json",
    "/problems/",
    "/user",
    "/webhooks/",
)


class PageOfProblem(Protocol):
    """Show a problem to people."""

    def __call__(  # noqa: PLR0913 - one argument for each part of what went wrong
        self,
        request: Request[object, object, State],
        *,
        status: int,
        kind: str,
        detail: str,
        errors: Sequence[tuple[str, str]],
        request_id: str,
        headers: Mapping[str, str],
    ) -> Response[str]:
        """Return the page, or the part that takes its place where a script of ours asked.

        kind: the last part of the problem's type.   errors: names of values, and what is wrong.
        """
        ...


class Answers:
    """Choose who is answered how. show: None answers everybody as programs."""

    def __init__(self, show: PageOfProblem | None) -> None:
        self._show = show

    def __call__(
        self, request: Request[object, object, State], error: Exception
    ) -> Response[bytes] | Response[str]:
        """Return the answer to an error."""
        if self._show is None or not _is_for_people(request):
            return answer(request, error)
        problem, headers = describe(request, error)
        return self._show(
            request,
            status=problem.status,
            kind=problem.type.rpartition("/")[2],
            detail=problem.detail,
            errors=[(_name(fault), fault.detail) for fault in problem.errors],
            request_id=problem.request_id,
            headers=headers,
        )


def _name(fault: Fault) -> str:
    """Return what a value is called; "" for one that has no name."""
    return (fault.pointer or "").strip("/") or fault.parameter or ""


def _is_for_people(request: Request[object, object, State]) -> bool:
    if not wants_page(request.scope):
        return False
    # Where no route was found there is no handler.
    handler = cast("BaseRouteHandler | None", request.scope.get("route_handler"))
    if handler is not None:
        return bool(handler.opt.get(IS_PAGE))
    return not request.scope["path"].startswith(_API)
