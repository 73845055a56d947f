"""Describe to OpenAPI the problems that a route may answer with."""

from collections.abc import Mapping
from dataclasses import replace

import msgspec
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example

from heyday.api.problems import (
    MEDIA_TYPE,
    PROBLEM_KINDS,
    MalformedBody,
    ProblemKind,
    UnsupportedMediaType,
)
from heyday.api.shapes import Fault, Problem
from heyday.domain.errors import DatabaseUnavailable, EmailTaken, InvalidInput

ANY_ROUTE = (ClientException, Exception, DatabaseUnavailable)
BODY = (RequestEntityTooLarge, UnsupportedMediaType, InvalidInput, MalformedBody)
ANY_BODY = (EmailTaken, *BODY)

_FAULT = Fault(
    detail="is not an email address; expected one such as ada@example.com", pointer="/email"
)


def refusals(*errors: type[Exception]) -> dict[int, ResponseSpec]:
    """Return the responses for these errors, besides those that any route may give.

    Of two kinds with one status the later, more special one is shown.
    """
    kinds = {PROBLEM_KINDS[e].status: PROBLEM_KINDS[e] for e in ANY_ROUTE + errors}
    return {int(status): _response(kinds[status]) for status in sorted(kinds)}


def also(
    responses: Mapping[int, ResponseSpec], *errors: type[Exception]
) -> dict[int, ResponseSpec]:
    """Return the responses and these refusals; of one status, both are shown."""
    documented = dict(responses)
    for kind in (PROBLEM_KINDS[error] for error in errors):
        status, added = int(kind.status), _response(kind)
        known = documented.get(status)
        if known is None:
            documented[status] = added
        elif kind.title not in known.description:
            documented[status] = replace(
                known,
                description=f"{known.description}; or: {kind.title}",
                examples=[*(known.examples or ()), *(added.examples or ())],
            )
    return dict(sorted(documented.items()))


def _response(kind: ProblemKind) -> ResponseSpec:
    problem = Problem(
        type=kind.type,
        title=kind.title,
        status=int(kind.status),
        detail=kind.detail,
        request_id="0f3c5d0a9b7e4d1c8a6f2b1e4c7d9e30",
        errors=(_FAULT,) if kind is PROBLEM_KINDS[InvalidInput] else (),
    )
    return ResponseSpec(
        Problem,
        description=kind.title,
        media_type=MEDIA_TYPE,
        generate_examples=False,
        examples=[Example(summary=kind.title, value=msgspec.to_builtins(problem))],
    )
