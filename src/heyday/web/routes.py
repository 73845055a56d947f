"""Say of a page's routes, in one place, what the gate and the audit log need to know of them."""

from collections.abc import Callable
from typing import Any

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.status_codes import HTTP_200_OK

from heyday.domain.access import Scope

Bind = Callable[[Callable[..., Any]], HTTPRouteHandler]


def page(path: str | list[str], scope: Scope | None, **options: Any) -> Bind:
    """Return what binds a page. A page that renews itself says is_routine=True."""
    return get(path, **_of_pages(scope), **options)


def action(path: str | list[str], scope: Scope | None, **options: Any) -> Bind:
    """Return what binds the target of a form, which ends in `Shell.go` or in a page.

    Its name makes the deed of the audit log: edit_person is person.edit.
    """
    return post(path, status_code=HTTP_200_OK, **_of_pages(scope), **options)


def _of_pages(scope: Scope | None) -> dict[str, Any]:
    return {
        "scope": scope,
        "is_page": True,
        "media_type": "text/html",
        "include_in_schema": False,
    }
