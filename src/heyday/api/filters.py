"""Read from the query string who is to be on a list."""

from collections.abc import Collection
from typing import Annotated, Any

from litestar.connection import Request
from litestar.datastructures import State
from litestar.params import QueryParameter

from heyday.api.problems import InvalidQuery
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.finding import PeopleFilter, parse_filter

_Zone = Annotated[
    str | None, QueryParameter(description="Those of one IANA time zone, such as Europe/Berlin.")
]
_Locale = Annotated[
    str | None, QueryParameter(description="Those of one language tag (BCP 47), such as pt-BR.")
]


def _day(of: str) -> QueryParameter:
    return QueryParameter(
        description=f"Those whose {of} is on this day of the year, --MM-DD or MM-DD.",
        schema_extra={"pattern": "^(--)?\\d{2}-\\d{2}$", "examples": ["--02-29"]},
    )


def _date(of: str, end: str) -> QueryParameter:
    return QueryParameter(
        description=f"Those whose {of} is {end} this date; whose year is not known, is left out.",
        schema_extra={"format": "date", "examples": ["1990-12-31"]},
    )


def _instant(of: str, end: str) -> QueryParameter:
    return QueryParameter(
        description=f"Those {of} {end}, with its offset.",
        schema_extra={"format": "date-time", "examples": ["2027-01-14T00:00:00Z"]},
    )


_FIRST, _LAST = "at or after this instant", "before this instant"


def read_filter(  # noqa: PLR0913 - one parameter for each of the query string
    *,
    request: Request[Any, Any, State],
    timezone: _Zone = None,
    locale: _Locale = None,
    birthday: Annotated[str | None, _day("birthday")] = None,
    anniversary: Annotated[str | None, _day("anniversary")] = None,
    birthday_from: Annotated[str | None, _date("birthday", "on or after")] = None,
    birthday_to: Annotated[str | None, _date("birthday", "on or before")] = None,
    anniversary_from: Annotated[str | None, _date("anniversary", "on or after")] = None,
    anniversary_to: Annotated[str | None, _date("anniversary", "on or before")] = None,
    created_from: Annotated[str | None, _instant("who were added", _FIRST)] = None,
    created_to: Annotated[str | None, _instant("who were added", _LAST)] = None,
    updated_from: Annotated[str | None, _instant("who were last changed", _FIRST)] = None,
    updated_to: Annotated[str | None, _instant("who were last changed", _LAST)] = None,
    deleted: Annotated[bool, QueryParameter(description="true: only the deleted ones.")] = False,
    unsubscribed: Annotated[
        bool | None, QueryParameter(description="true: only who wants no greetings; false: others.")
    ] = None,
) -> PeopleFilter:
    """Return the filter of a request. Raises InvalidQuery naming each parameter that is wrong."""
    given = {
        "timezone": timezone,
        "locale": locale,
        "birthday": birthday,
        "anniversary": anniversary,
        "birthday_from": birthday_from,
        "birthday_to": birthday_to,
        "anniversary_from": anniversary_from,
        "anniversary_to": anniversary_to,
        "created_from": created_from,
        "created_to": created_to,
        "updated_from": updated_from,
        "updated_to": updated_to,
    }
    _refuse_unknown(request, {*given, "deleted", "unsubscribed", "limit", "after"})
    try:
        return parse_filter(given, deleted=deleted, unsubscribed=unsubscribed)
    except InvalidInput as error:
        raise InvalidQuery(error.problems) from None


def _refuse_unknown(request: Request[Any, Any, State], known: Collection[str]) -> None:
    """Refuse a parameter that is none: one that is misspelt would list everybody."""
    unknown = sorted(request.query_params.keys() - set(known))
    if unknown:
        detail = f"is no parameter of this list; known: {', '.join(sorted(known))}"
        raise InvalidQuery([FieldProblem(name, detail) for name in unknown])
