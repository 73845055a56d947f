"""Serve the kinds of greeting at /api/v1/message-types, with the policies in force."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Meta, Struct

from heyday.api.route_options import route
from heyday.domain.access import Scope
from heyday.domain.delivery import AmbiguityPolicy
from heyday.domain.errors import MessageTypeNotFound
from heyday.domain.policies import GapPolicy, OverlapPolicy, SkipPolicy
from heyday.services.message_types import MessageTypeInForce, MessageTypeService

MESSAGE_TYPES_PATH = "/api/v1/message-types"

_TEXT = Meta(examples=["Hey, {first_name} {last_name} it's your birthday"])
_SECONDS = Meta(ge=0, examples=[86400.0])


class Policies(Struct, frozen=True):
    """Show every choice about time, and what follows an ambiguous attempt.

    spread_seconds: over how long after the send time greetings leave; 0: all at the send time.
    leap_day: for 29 February in common years.   gap, overlap: for a send time that the clocks
    jump over, or that comes twice.   missing_date: for a date that a zone left out.
    late_window_seconds: how late a greeting may still leave.   late_join: whether who comes after
    the send time on their day is still greeted.   same_occasion_seconds: a date corrected by less
    than this after its greeting brings no second one.   ambiguity: where the provider honours no
    keys, one repeat, or none until a person decides.
    """

    send_time: Annotated[str, Meta(examples=["09:00:00"], description="The person's own clock.")]
    spread_seconds: Annotated[float, Meta(ge=0, examples=[0.0])]
    leap_day: Annotated[SkipPolicy, Meta(examples=["BACKWARD"])]
    gap: Annotated[GapPolicy, Meta(examples=["SHIFT"])]
    overlap: Annotated[OverlapPolicy, Meta(examples=["FIRST"])]
    missing_date: Annotated[SkipPolicy, Meta(examples=["FORWARD"])]
    late_window_seconds: Annotated[float, _SECONDS]
    late_join: Annotated[bool, Meta(examples=[True])]
    same_occasion_seconds: Annotated[float, Meta(ge=0, examples=[15552000.0])]
    ambiguity: Annotated[AmbiguityPolicy, Meta(examples=["RETRY"])]


class ShownMessageType(Struct, frozen=True):
    """Show one kind of greeting.

    date_field: the field of people that it is about.   text: what it says; text_for_one, after one
    year; text_without_year, where the year of the date is not known.   first_year: the least
    number of years that is greeted.
    """

    name: Annotated[str, Meta(examples=["BIRTHDAY"])]
    date_field: Annotated[str, Meta(examples=["birthday_date"])]
    text: Annotated[str, _TEXT]
    text_for_one: Annotated[str, _TEXT]
    text_without_year: Annotated[str, _TEXT]
    first_year: Annotated[int, Meta(ge=0, examples=[0])]
    policies: Policies


class MessageTypeList(Struct, frozen=True):
    """Show every kind of greeting."""

    items: list[ShownMessageType]


class MessageTypeRoutes:
    """Bind the routes of message types to the service."""

    def __init__(self, message_types: MessageTypeService) -> None:
        self._message_types = message_types

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        options, read = partial(route, "Message types"), Scope.MESSAGES_READ
        return [
            get(MESSAGE_TYPES_PATH, **options(read, "List the kinds of greeting"))(
                self.list_message_types
            ),
            get(
                f"{MESSAGE_TYPES_PATH}/{{name:str}}",
                **options(read, "Show a kind of greeting", MessageTypeNotFound),
            )(self.show_message_type),
        ]

    async def list_message_types(self) -> MessageTypeList:
        """List the kinds of greeting with their texts and policies."""
        return MessageTypeList([_shown(each) for each in self._message_types.list_all()])

    async def show_message_type(self, name: FromPath[str]) -> ShownMessageType:
        """Show a kind of greeting with its texts and policies."""
        return _shown(self._message_types.get(name))


def _shown(each: MessageTypeInForce) -> ShownMessageType:
    message_type, policies = each.message_type, each.policies
    return ShownMessageType(
        name=message_type.name,
        date_field=message_type.date_column,
        text=message_type.text,
        text_for_one=message_type.text_for_one,
        text_without_year=message_type.text_without_year,
        first_year=message_type.first_year,
        policies=Policies(
            send_time=policies.send_time.isoformat(),
            spread_seconds=policies.spread.total_seconds(),
            leap_day=policies.leap_day,
            gap=policies.gap,
            overlap=policies.overlap,
            missing_date=policies.missing_date,
            late_window_seconds=policies.late_window.total_seconds(),
            late_join=policies.late_join,
            same_occasion_seconds=policies.same_occasion.total_seconds(),
            ambiguity=each.ambiguity,
        ),
    )
