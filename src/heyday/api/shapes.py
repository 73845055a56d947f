"""Give the JSON shapes of requests and replies. The request shapes document; the domain checks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from heyday.domain.people import EMAIL_LENGTH, NAME_LENGTH

_FIRST_NAME = Meta(min_length=1, max_length=NAME_LENGTH, examples=["Ada"])
_LAST_NAME = Meta(min_length=1, max_length=NAME_LENGTH, examples=["Lovelace"])
_EMAIL = Meta(
    max_length=EMAIL_LENGTH,
    examples=["ada@example.com"],
    description="An email address, unique among live people whatever its case.",
)
_TIMEZONE = Meta(
    max_length=NAME_LENGTH, examples=["Europe/London"], description="An IANA time zone name."
)
_BIRTHDAY = Meta(
    examples=["1990-12-10", "--02-29", {"month": 2, "day": 29}],
    description="From 1900-01-01 to the person's today; --MM-DD if the year is not known.",
)
_ANNIVERSARY = Meta(
    examples=["2015-03-02", "--03-02", {"month": 3, "day": 2}],
    description="The first day at work, from 1900-01-01; --MM-DD if the year is not known.",
)
_SHOWN_DATE = Meta(
    pattern=r"^(\d{4}|-)-\d{2}-\d{2}$",
    examples=["1990-12-10", "--02-29"],
    description="YYYY-MM-DD, or --MM-DD if the year is not known.",
)
_INSTANT = Meta(examples=["2027-01-14T08:00:00Z"])
_TYPES_LEFT = Meta(
    examples=[["ANNIVERSARY"]],
    description="Message types that they left; with unsubscribed_at set they get none at all.",
)
_CITY = Meta(max_length=NAME_LENGTH, examples=["London"])
_COUNTRY = Meta(max_length=NAME_LENGTH, examples=["United Kingdom"])
_LOCALE = Meta(
    max_length=NAME_LENGTH,
    examples=["en-GB"],
    description="A language tag (BCP 47), by which the language of greetings is chosen.",
)


class DateParts(Struct, forbid_unknown_fields=True):
    """Give a date by its parts. year: null, or left out, if it is not known."""

    month: Annotated[int, Meta(ge=1, le=12, examples=[2])]
    day: Annotated[int, Meta(ge=1, le=31, examples=[29])]
    year: Annotated[int, Meta(examples=[1992])] | None = None


class PersonBody(Struct, forbid_unknown_fields=True):
    """Describe a whole person, as POST and PUT take one."""

    first_name: Annotated[str, _FIRST_NAME]
    last_name: Annotated[str, _LAST_NAME]
    email: Annotated[str, _EMAIL]
    timezone: Annotated[str, _TIMEZONE]
    birthday_date: Annotated[str | DateParts | None, _BIRTHDAY] = None
    anniversary_date: Annotated[str | DateParts | None, _ANNIVERSARY] = None
    location_city: Annotated[str, _CITY] | None = None
    location_country: Annotated[str, _COUNTRY] | None = None
    locale: Annotated[str, _LOCALE] | None = None


class PersonPatch(Struct, forbid_unknown_fields=True):
    """Describe what PATCH takes: the fields to change; null empties an optional one."""

    first_name: Annotated[str, _FIRST_NAME] | UnsetType = UNSET
    last_name: Annotated[str, _LAST_NAME] | UnsetType = UNSET
    email: Annotated[str, _EMAIL] | UnsetType = UNSET
    timezone: Annotated[str, _TIMEZONE] | UnsetType = UNSET
    birthday_date: Annotated[str | DateParts | UnsetType | None, _BIRTHDAY] = UNSET
    anniversary_date: Annotated[str | DateParts | UnsetType | None, _ANNIVERSARY] = UNSET
    location_city: Annotated[str, _CITY] | UnsetType | None = UNSET
    location_country: Annotated[str, _COUNTRY] | UnsetType | None = UNSET
    locale: Annotated[str, _LOCALE] | UnsetType | None = UNSET


class Person(Struct, frozen=True):
    """Show a person as stored."""

    id: Annotated[UUID, Meta(examples=["8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c"])]
    first_name: Annotated[str, _FIRST_NAME]
    last_name: Annotated[str, _LAST_NAME]
    email: Annotated[str, _EMAIL]
    timezone: Annotated[str, _TIMEZONE]
    birthday_date: Annotated[str, _SHOWN_DATE] | None
    anniversary_date: Annotated[str, _SHOWN_DATE] | None
    location_city: Annotated[str, _CITY] | None
    location_country: Annotated[str, _COUNTRY] | None
    locale: Annotated[str, _LOCALE] | None
    created_at: Annotated[datetime, _INSTANT]
    updated_at: Annotated[datetime, _INSTANT]
    unsubscribed_at: datetime | None
    unsubscribed_types: Annotated[list[str], _TYPES_LEFT]
    deleted_at: datetime | None


class PersonPage(Struct, frozen=True):
    """Show some people in order of id. next: give it as `after` to get the next page."""

    items: list[Person]
    next: UUID | None


class Fault(Struct, frozen=True, omit_defaults=True):
    """Say what is wrong with one value.

    pointer: a JSON Pointer (RFC 6901) into the body.   parameter: a name in the query.
    """

    detail: str
    pointer: str | UnsetType = UNSET
    parameter: str | UnsetType = UNSET


class Problem(Struct, frozen=True, omit_defaults=True):
    """Explain a refusal or fault (RFC 9457). Go by `type`; the texts may change."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: tuple[Fault, ...] = ()


class ProblemPage(Struct, frozen=True):
    """Explain a kind of problem."""

    type: str
    title: str
    status: int
    detail: str


class SchedulerSummary(Struct, frozen=True):
    """Tell whether one scheduler keeps its rhythm."""

    name: str
    last_run_at: datetime | None
    is_overdue: bool
    has_failed: bool


class HealthReport(Struct, frozen=True):
    """Tell how Heyday is.

    status: ok, degraded (a scheduler is overdue or failed, RabbitMQ is away, clocks contradict
    each other, or sending is paused) or down.   broker: ok, down, or none where PostgreSQL carries
    batches.
    clock: ok, or why the time cannot be trusted, so that nothing is sent.   sending: ok, or why
    nothing is planned or sent, as after a restore of the database.
    database_version: of PostgreSQL; null while it does not answer.   transport: what carries
    batches: postgresql or rabbitmq.
    rate_limits: none; or where the API's callers are counted: shared (in Redis, for all processes)
    or own (each process by itself).
    """

    status: str
    version: str
    tzdb_version: str
    database: str
    broker: str
    clock: str
    sending: str
    rate_limits: str
    schedulers: list[SchedulerSummary]
    database_version: str | None
    transport: str


class Probe(Struct, frozen=True):
    """Answer a probe of an orchestrator."""

    status: str


class ReadinessProbe(Struct, frozen=True):
    """Answer whether requests can be served, and of each part: ok, or what is wrong with it.

    status: ready, degraded or not ready.   partitions: of this month and the next.
    """

    status: str
    database: str
    transport: str
    migrations: str
    partitions: str


class SchedulerRun(Struct, frozen=True):
    """Show the latest run of one scheduler; runs by hand are not shown.

    started_at: null if it never ran.   error: the kind of fault alone.   next_run_at: by when it is
    to run again.   lag_seconds: for how long it has been due.   failures_in_a_row: up to 1000.
    is_overdue: it is late by half a rhythm, at least a minute, at most an hour.
    """

    name: str
    started_at: datetime | None
    finished_at: datetime | None
    window_start: datetime | None
    window_end: datetime | None
    counts: Mapping[str, int]
    error: str | None
    next_run_at: datetime
    lag_seconds: float
    failures_in_a_row: int
    is_overdue: bool


class AuditLine(Struct, frozen=True):
    """Show one deed, or look: who, what, whom it concerned, when, and from where.

    actor_kind: key (an API key: actor_id is its id), anybody (a route that asks for no key), cli
    (the command line), job (an import, by its id) or sql.
    sql_role: as whom PostgreSQL knew the writer.
    fields: names of what changed, where people were changed.
    """

    id: Annotated[int, Meta(examples=[4711])]
    at: Annotated[datetime, _INSTANT]
    actor_kind: Annotated[str, Meta(examples=["key"])]
    actor_id: UUID | None
    actor_name: Annotated[str, Meta(examples=["payroll"])]
    sql_role: Annotated[str, Meta(examples=["heyday"])]
    action: Annotated[str, Meta(examples=["person.change"])]
    subject_ids: list[UUID]
    fields: Annotated[list[str], Meta(examples=[["timezone"]])]
    address: Annotated[str, Meta(examples=["192.0.2.7"])] | None
    request_id: Annotated[str, Meta(examples=["0f3c5d0a9b7e4d1c8a6f2b1e4c7d9e30"])] | None


class AuditPage(Struct, frozen=True):
    """Show some lines, the latest first. next: give it as `after` to get the next page."""

    items: list[AuditLine]
    next: int | None
