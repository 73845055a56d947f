"""Say of a route, in one call, what the description and the gate need to know of it."""

from typing import Any

from heyday.api.refusals import refusals
from heyday.domain.access import Scope


def route(tag: str, scope: Scope, summary: str, *errors: type[Exception]) -> dict[str, Any]:
    """Return the options of a route. errors: what it may refuse, besides what any may."""
    return {
        "scope": scope,
        "tags": [tag],
        "summary": summary,
        "responses": refusals(*errors),
    }
