"""Give the JSON shapes of people by the thousand, and of imports."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from heyday.api.shapes import Fault, PersonBody
from heyday.domain.finding import LONGEST_PAGE, USUAL_PAGE
from heyday.domain.imports import ImportState
from heyday.domain.people import EMAIL_LENGTH
from heyday.services.bulk import MOST_PEOPLE, Outcome

_ID = Meta(examples=["8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c"])
_INSTANT = Meta(examples=["2027-01-14T08:00:00Z"])
_ROWS = Meta(ge=0, examples=[537])
_BYTES = Meta(ge=0, examples=[1_048_576])


class SearchBody(Struct, forbid_unknown_fields=True):
    """Say whom to find. after: `next` of the page before."""

    query: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=EMAIL_LENGTH,
            examples=["lovel", "ada lov", "ada@exam"],
            description='How a first name, "first last", a last name or an address begins.',
        ),
    ]
    limit: Annotated[int, Meta(ge=1, le=LONGEST_PAGE)] = USUAL_PAGE
    after: Annotated[UUID, _ID] | None = None


class BulkBody(Struct, forbid_unknown_fields=True):
    """Give whole people, each as PUT takes one; an address that is there is overwritten."""

    people: Annotated[list[PersonBody], Meta(max_length=MOST_PEOPLE)]


class BulkRow(Struct, frozen=True):
    """Say what became of one row. id: null if it was rejected.   errors: why it was."""

    index: Annotated[int, Meta(ge=0, examples=[0])]
    outcome: Annotated[Outcome, Meta(examples=["created"])]
    id: Annotated[UUID, _ID] | None
    errors: list[Fault]


class BulkReport(Struct, frozen=True):
    """Say what became of all rows, counted and one by one, in order."""

    created: Annotated[int, Meta(ge=0, examples=[1])]
    updated: Annotated[int, Meta(ge=0, examples=[0])]
    rejected: Annotated[int, Meta(ge=0, examples=[0])]
    results: list[BulkRow]


class ImportStatus(Struct, frozen=True):
    """Tell how an import goes. Counts grow while it runs.

    state: uploaded says that it came by the page, and that nobody has started it yet.
    updated: people who were there already.   unchanged: those of them whom the file did not change.
    suspicious: dates of stored people that programs write for "not known", 1900-01-01 and
    1970-01-01.   error: why it failed.
    """

    id: Annotated[UUID, _ID]
    state: Annotated[ImportState, Meta(examples=["running"])]
    bytes_total: Annotated[int, _BYTES]
    bytes_done: Annotated[int, _BYTES]
    imported: Annotated[int, _ROWS]
    updated: Annotated[int, Meta(ge=0, examples=[0])]
    unchanged: Annotated[int, Meta(ge=0, examples=[0])]
    rejected: Annotated[int, Meta(ge=0, examples=[3])]
    suspicious: Annotated[int, Meta(ge=0, examples=[0])]
    error: str | None
    created_at: Annotated[datetime, _INSTANT]
    started_at: Annotated[datetime, _INSTANT] | None
    finished_at: Annotated[datetime, _INSTANT] | None


class ImportPage(Struct, frozen=True):
    """Show some imports, the newest first. next: give it as `after` to get the next page."""

    items: list[ImportStatus]
    next: UUID | None
