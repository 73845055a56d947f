"""List every kind of problem that the API answers with (RFC 9457), by class of error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from litestar.exceptions import (
    ClientException,
    InternalServerException,
    MethodNotAllowedException,
    NotAuthorizedException,
    NotFoundException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from heyday.domain.access import Scope
from heyday.domain.errors import (
    Changed,
    Conflict,
    DatabaseUnavailable,
    DeadBatchNotFound,
    EmailTaken,
    FieldProblem,
    IllegalMove,
    ImportNotFound,
    InvalidInput,
    KeyInUse,
    KeyReused,
    MalformedKey,
    MessageNotFound,
    MessageTypeNotFound,
    NotFound,
    TextChanged,
    TextNotFound,
    TooManyRequests,
    TransportError,
    UnknownKey,
)

MEDIA_TYPE = "application/problem+json"
MAX_BODY_BYTES = 64 * 1024
MAX_BULK_BYTES = 1024 * 1024
MAX_TEXT_BYTES = 512 * 1024
RETRY_AFTER_SECONDS = 5


class MalformedBody(Exception):
    """Refuse a body that is not one JSON object; the text says why, without quoting it."""


class UnsupportedMediaType(Exception):
    """Refuse a body that is not declared as what the route takes: JSON, or CSV for imports."""


class InvalidQuery(Exception):
    """Refuse a query string; `problems` names each parameter that is wrong."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("the query string breaks rules")


class Unauthenticated(NotAuthorizedException):
    """Refuse a caller without a valid key, in the same words whatever is wrong with it.

    challenge: what WWW-Authenticate says: how to send a key.
    """

    def __init__(self, challenge: str) -> None:
        super().__init__(headers={"WWW-Authenticate": challenge})


class Forbidden(Exception):
    """Refuse a caller whose key is valid and does not reach so far."""

    def __init__(self, needed: Scope) -> None:
        super().__init__(f"this takes a key with the scope {needed}, which yours does not have")


class Forged(Exception):
    """Refuse a write that a browser sent in the name of a session, and not from its pages."""


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """Describe one kind of problem. speaks: whether the error's own text stands for `detail`."""

    status: HTTPStatus
    name: str
    title: str
    detail: str
    speaks: bool = False

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
PROBLEM_KINDS: Mapping[type[Exception], ProblemKind] = {
    InvalidInput: _INVALID_INPUT,
    InvalidQuery: _INVALID_INPUT,
    ValidationException: _INVALID_INPUT,
    MalformedBody: ProblemKind(
        HTTPStatus.BAD_REQUEST,
        "malformed-body",
        "The body is not a JSON object",
        "A body is one JSON object in UTF-8, each field named once.",
        speaks=True,
    ),
    NotFound: ProblemKind(
        HTTPStatus.NOT_FOUND,
        "not-found",
        "No such person",
        "Nobody has this id; they may have been deleted.",
        speaks=True,
    ),
    UnknownKey: ProblemKind(
        HTTPStatus.NOT_FOUND,
        "no-such-key",
        "No such API key",
        "No API key has this prefix; the list of keys shows those there are.",
    ),
    Unauthenticated: ProblemKind(
        HTTPStatus.UNAUTHORIZED,
        "unauthenticated",
        "No valid API key",
        "Send a valid key: Authorization: Bearer hd_... `heyday keys create` makes one.",
    ),
    Forbidden: ProblemKind(
        HTTPStatus.FORBIDDEN,
        "forbidden",
        "The key does not reach so far",
        "What you ask takes a scope that your key does not have.",
        speaks=True,
    ),
    Forged: ProblemKind(
        HTTPStatus.FORBIDDEN,
        "not-from-here",
        "Not sent by a page of Heyday",
        "A form of a page holds a proof of whose it is, and this one does not. Nothing was done: "
        "open the page again, and repeat it there.",
    ),
    ImportNotFound: ProblemKind(
        HTTPStatus.NOT_FOUND,
        "no-such-import",
        "No such import",
        "No import has this id; it may have been deleted.",
        speaks=True,
    ),
    MessageNotFound: ProblemKind(
        HTTPStatus.NOT_FOUND,
        "no-such-message",
        "No such message",
        "No message has this id; its month may have been dropped.",
        speaks=True,
    ),
    MessageTypeNotFound: ProblemKind(
        HTTPStatus.NOT_FOUND,
        "no-such-message-type",
        "No such message type",
        "There is no message type of this name; /api/v1/message-types lists them.",
        speaks=True,
    ),
    TextNotFound: ProblemKind(
        HTTPStatus.NOT_FOUND,
        "no-such-text",
        "No such text",
        "There is no text of this type in this language; /api/v1/texts lists those there are.",
        speaks=True,
    ),
    DeadBatchNotFound: ProblemKind(
        HTTPStatus.NOT_FOUND,
        "no-such-dead-letter",
        "No such dead letter",
        "Nothing that was set aside has this id; it may have been delivered again, or deleted.",
        speaks=True,
    ),
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
    EmailTaken: ProblemKind(
        HTTPStatus.CONFLICT,
        "email-taken",
        "Email address taken",
        "An address belongs to one live record, whatever its case.",
        speaks=True,
    ),
    Changed: ProblemKind(
        HTTPStatus.PRECONDITION_FAILED,
        "changed",
        "Changed meanwhile",
        "The person is no longer as If-Match expects; nothing was done. Read them again.",
    ),
    TextChanged: ProblemKind(
        HTTPStatus.PRECONDITION_FAILED,
        "text-changed",
        "Text changed meanwhile",
        "The text is no longer as If-Match expects; nothing was done. Read it again.",
    ),
    IllegalMove: ProblemKind(
        HTTPStatus.CONFLICT,
        "illegal-move",
        "The message stands otherwise",
        "A message in its status allows only what its `allowed` says; nothing was done.",
        speaks=True,
    ),
    Conflict: ProblemKind(
        HTTPStatus.CONFLICT,
        "conflict",
        "The data forbids the request",
        "What is stored has moved on; read it again and decide anew.",
        speaks=True,
    ),
    RequestEntityTooLarge: ProblemKind(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body-too-large",
        "Body too large",
        f"A body may have at most {MAX_BODY_BYTES // 1024} KiB, one of many people "
        f"{MAX_BULK_BYTES // 1024} KiB, a text {MAX_TEXT_BYTES // 1024} KiB, and a "
        "file to be imported HEYDAY_IMPORT_LIMIT MiB.",
    ),
    UnsupportedMediaType: ProblemKind(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "Unsupported media type",
        "Send the body as JSON, with the header Content-Type: application/json; "
        "a file to be imported as CSV in UTF-8, with text/csv.",
    ),
    MalformedKey: ProblemKind(
        HTTPStatus.BAD_REQUEST,
        "malformed-idempotency-key",
        "No Idempotency-Key",
        "An Idempotency-Key has 1 to 255 visible ASCII characters, and is given once.",
        speaks=True,
    ),
    KeyReused: ProblemKind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "idempotency-key-reused",
        "Idempotency-Key used for another request",
        "Nothing was done. Take a new key for each new request, and repeat one unchanged.",
        speaks=True,
    ),
    KeyInUse: ProblemKind(
        HTTPStatus.CONFLICT,
        "idempotency-key-in-use",
        "The first request is still under way",
        "Repeat the request once Retry-After has passed: you then get its reply.",
        speaks=True,
    ),
    TooManyRequests: ProblemKind(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too-many-requests",
        "Too many requests",
        "An address, or a key, may send so many requests a minute; Retry-After says when to go on.",
        speaks=True,
    ),
    ClientException: _BAD_REQUEST,
    # Litestar's word for a client that hangs up in the middle of its body.
    InternalServerException: _BAD_REQUEST,
    DatabaseUnavailable: ProblemKind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        "The database cannot be reached",
        "Nothing was changed, or not surely; try again shortly.",
    ),
    TransportError: ProblemKind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "queue-unavailable",
        "The queue cannot be reached",
        "What was set aside lies in a queue that does not answer; try again shortly.",
    ),
    Exception: ProblemKind(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal-error",
        "Heyday failed",
        "The fault is ours. The log names it by the request_id of this reply.",
    ),
}
