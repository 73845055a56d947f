"""Answer a refusal or a fault with its problem document."""

import math
import re
import traceback
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from itertools import chain

import msgspec
import structlog
from litestar.connection import Request
from litestar.datastructures import State
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Response

from heyday.api.problems import (
    MEDIA_TYPE,
    PROBLEM_KINDS,
    RETRY_AFTER_SECONDS,
    InvalidQuery,
    MalformedBody,
    ProblemKind,
)
from heyday.api.shapes import Fault, Problem
from heyday.domain.errors import FieldProblem, InvalidInput, KeyInUse, TooManyRequests

log = structlog.get_logger()

# A field's name is repeated only where it looks like one: anything else may be a person's data.
_PLAIN_NAME = re.compile(r"[A-Za-z_~/][A-Za-z0-9_~/-]{0,63}", re.ASCII)


def kind_of(error: Exception) -> ProblemKind:
    """Return what the table says of an error's class, or of its nearest listed parent."""
    if isinstance(error, ValidationException) and _blames_body(error):
        return PROBLEM_KINDS[MalformedBody]
    return next(PROBLEM_KINDS[parent] for parent in type(error).__mro__ if parent in PROBLEM_KINDS)


def answer(request: Request[object, object, State], error: Exception) -> Response[bytes]:
    """Return the problem document for an error; log it if it is a fault of ours."""
    problem, headers = describe(request, error)
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def describe(
    request: Request[object, object, State], error: Exception
) -> tuple[Problem, dict[str, str]]:
    """Return the problem that an error stands for, and the headers that go with it.

    A fault of ours is logged.
    """
    kind = kind_of(error)
    if kind.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request_failed", error=type(error).__name__, at=_trace(error))
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if isinstance(error, TooManyRequests | KeyInUse):
        headers["Retry-After"] = str(math.ceil(error.retry_after.total_seconds()))
    elif kind.status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    problem = Problem(
        type=kind.type,
        title=kind.title,
        status=int(kind.status),
        detail=_own_text(error) if kind.speaks else kind.detail,
        request_id=request.scope["state"].get("request_id", ""),
        errors=tuple(_faults(error)),
    )
    return problem, headers


def _blames_body(error: ValidationException) -> bool:
    """Tell whether Litestar missed a body altogether."""
    return any(entry.get("source") == "body" for entry in _entries(error))


def _entries(error: ValidationException) -> list[dict[str, str]]:
    """Return what Litestar found wrong: one entry a parameter."""
    return [entry for entry in error.extra or [] if isinstance(entry, dict)]


def _own_text(error: Exception) -> str:
    if isinstance(error, ValidationException):
        return "The body is empty; a JSON object was expected."
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def faults_of(problems: Iterable[FieldProblem], at: str = "") -> Iterator[Fault]:
    """Yield what is wrong with the fields of an object. at: the pointer to it; "": the body."""
    for problem in problems:
        if _PLAIN_NAME.fullmatch(problem.field):
            yield Fault(detail=problem.detail, pointer=f"{at}{_pointer(problem)}")
        elif problem.field:
            yield Fault(detail=f"one field {problem.detail}", pointer=at)
        else:
            yield Fault(detail=problem.detail, pointer=at)


def _faults(error: Exception) -> Iterator[Fault]:
    if isinstance(error, InvalidQuery):
        for problem in error.problems:
            name = problem.field if _PLAIN_NAME.fullmatch(problem.field) else ""
            yield Fault(detail=problem.detail, parameter=name)
    elif isinstance(error, InvalidInput):
        yield from faults_of(error.problems)
    elif isinstance(error, ValidationException) and not _blames_body(error):
        for entry in _entries(error):
            # An underscore sets `from` apart from the word of Python's.
            name = entry.get("key", "").removesuffix("_")
            yield Fault(detail=_unquoted(entry["message"]), parameter=name)


def _unquoted(message: str) -> str:
    """Return what msgspec says of a parameter, without the value where it repeats that."""
    if message.startswith("Invalid enum value"):
        return "Invalid enum value; /docs lists those there are"
    return message


def _pointer(problem: FieldProblem) -> str:
    """Return where a value stands (RFC 6901)."""
    names = (problem.field, *problem.inside)
    return "".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in names)


def _trace(error: BaseException) -> list[str]:
    """Return where an error and its causes arose. Their texts may quote data: they stay out."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and cause not in causes:
        causes.append(cause)
    frames = chain.from_iterable(traceback.extract_tb(c.__traceback__)[-8:] for c in causes)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
