"""Answer every refusal and fault as an RFC 9457 problem document, by one table."""

import re
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain

import msgspec
import structlog
from litestar.connection import Request
from litestar.datastructures import State
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.response import Response

from heyday.api.shapes import Fault, Problem
from heyday.domain.errors import Conflict, DatabaseUnavailable, EmailTaken, InvalidInput, NotFound

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
MAX_BODY_BYTES = 64 * 1024
RETRY_AFTER_SECONDS = 5

# A field's name is repeated only where it looks like one: anything else may be a person's data.
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", re.ASCII)


class MalformedBody(Exception):
    """Refuse a body that is not one JSON object; the text says why, without quoting it."""


class UnsupportedMediaType(Exception):
    """Refuse a body that is not declared as JSON."""


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """Describe one kind of problem. detail: what every reply says; None: the error's own text."""

    status: HTTPStatus
    name: str
    title: str
    detail: str | None

    @property
    def type(self) -> str:
        """Return the stable name that programs go by: a path, where it is explained."""
        return f"/problems/{self.name}"


_BAD_REQUEST = ProblemKind(
    HTTPStatus.BAD_REQUEST, "bad-request", "Malformed request", "The request cannot be understood."
)
_INVALID_INPUT = ProblemKind(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid-input",
    "A value breaks a rule",
    "Each entry of errors names one value and the rule; correct them all and try again.",
)
_MALFORMED_BODY = ProblemKind(
    HTTPStatus.BAD_REQUEST, "malformed-body", "The body is not a JSON object", None
)

PROBLEM_KINDS: Mapping[type[Exception], ProblemKind] = {
    InvalidInput: _INVALID_INPUT,
    ValidationException: _INVALID_INPUT,
    MalformedBody: _MALFORMED_BODY,
    NotFound: ProblemKind(HTTPStatus.NOT_FOUND, "not-found", "No such person", None),
    NotFoundException: ProblemKind(
        HTTPStatus.NOT_FOUND,
        "no-such-path",
        "No such path",
        "Nothing is served at this path; an id must be a UUID. /docs lists what there is.",
    ),
    MethodNotAllowedException: ProblemKind(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "Method not allowed",
        "This path does not take this method; the Allow header lists those it does.",
    ),
    EmailTaken: ProblemKind(HTTPStatus.CONFLICT, "email-taken", "Email address taken", None),
    Conflict: ProblemKind(HTTPStatus.CONFLICT, "conflict", "The data forbids the request", None),
    RequestEntityTooLarge: ProblemKind(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body-too-large",
        "Body too large",
        f"A body may have at most {MAX_BODY_BYTES // 1024} KiB.",
    ),
    UnsupportedMediaType: ProblemKind(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "Unsupported media type",
        "Send the body as JSON, with the header Content-Type: application/json.",
    ),
    ClientException: _BAD_REQUEST,
    DatabaseUnavailable: ProblemKind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        "The database cannot be reached",
        "Nothing was changed, or not surely; try again shortly.",
    ),
    Exception: ProblemKind(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal-error",
        "Heyday failed",
        "The fault is ours. The log names it by the request_id of this reply.",
    ),
}


def kind_of(error: Exception) -> ProblemKind:
    """Return what the table says of an error's class, or of its nearest listed parent."""
    if isinstance(error, ValidationException) and _blames_body(error):
        return _MALFORMED_BODY
    return next(PROBLEM_KINDS[parent] for parent in type(error).__mro__ if parent in PROBLEM_KINDS)


def answer(request: Request[object, object, State], error: Exception) -> Response[bytes]:
    """Return the problem document for an error; log it if it is a fault of ours."""
    kind = kind_of(error)
    request_id = request.scope["state"].get("request_id", "")
    if kind.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request_failed", error=type(error).__name__, at=_trace(error))
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if kind.status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    problem = Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=kind.detail or _own_text(error),
        request_id=request_id,
        errors=tuple(_faults(error)),
    )
    return Response(
        msgspec.json.encode(problem),
        status_code=kind.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


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


def _faults(error: Exception) -> Iterator[Fault]:
    if isinstance(error, InvalidInput):
        for problem in error.problems:
            if _PLAIN_NAME.fullmatch(problem.field):
                yield Fault(detail=problem.detail, pointer=f"/{problem.field}")
            else:
                # The empty pointer means the whole document.
                yield Fault(detail=f"a field {problem.detail}", pointer="")
    elif isinstance(error, ValidationException) and not _blames_body(error):
        for entry in _entries(error):
            yield Fault(detail=entry["message"], parameter=entry.get("key", ""))


def _trace(error: BaseException) -> list[str]:
    """Return where an error and its causes arose. Their texts may quote data: they stay out."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and cause not in causes:
        causes.append(cause)
    frames = chain.from_iterable(traceback.extract_tb(c.__traceback__)[-8:] for c in causes)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
