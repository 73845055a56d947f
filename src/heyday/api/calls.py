"""Say from where a caller asks, and what it wants to be answered with."""

from typing import TYPE_CHECKING

from heyday.domain.callers import UNKNOWN, read_address

if TYPE_CHECKING:
    from litestar.types import HTTPScope, Scope


def address_of(scope: "Scope") -> str:
    """Return the address that a request comes from; behind a trusted proxy, its caller's."""
    client = scope.get("client")
    return read_address(client[0]) if client else UNKNOWN


def header_of(scope: "HTTPScope", name: bytes) -> str | None:
    """Return the only header of a name; None if there is none, or more than one."""
    found = [value for given, value in scope["headers"] if given == name]
    return found[0].decode("latin-1") if len(found) == 1 else None


def is_by_htmx(scope: "HTTPScope") -> bool:
    """Tell whether a script of ours asks for a part of a page."""
    return header_of(scope, b"hx-request") == "true"


def wants_page(scope: "HTTPScope") -> bool:
    """Tell whether a browser would show the answer: programs and streams ask for no HTML."""
    return is_by_htmx(scope) or "text/html" in (header_of(scope, b"accept") or "")
