"""Serve the books at /api/v1/reconciliation: that every greeting that was due is accounted for."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import msgspec
from litestar import get
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from heyday.api.route_options import route
from heyday.domain.access import Scope
from heyday.services.reconciling import Books, ReconciliationService, totals_of

RECONCILIATION = "/api/v1/reconciliation"
LONGEST_DAYS = 366
USUAL_DAYS = 31

Days = Annotated[
    int,
    QueryParameter(
        ge=1, le=LONGEST_DAYS, description="What was due in so many days of 24 hours up to now."
    ),
]
Many = Annotated[int, Meta(ge=0, examples=[6])]
None_ = Annotated[int, Meta(ge=0, examples=[0])]


class Balance(Struct, frozen=True, kw_only=True):
    """Count what was due, and what became of it.

    live: due, not at an end; of these, overdue.   unplanned: due by users and calendar, yet without
    a row.   late: sent more than a minute after their instant.
    """

    due: Many
    sent: Many
    failed: None_
    cancelled: None_
    skipped: None_
    unknown: None_
    live: None_
    unplanned: None_
    overdue: None_
    late: None_
    balanced: Annotated[bool, Meta(examples=[True])]


class ShownBooks(Balance, frozen=True, kw_only=True):
    """Show that due = sent + failed + cancelled + skipped + unknown, and `live`.

    ungreetable: people in zones that the tz database does not have.
    """

    days: Annotated[int, Meta(ge=1, examples=[USUAL_DAYS])]
    ungreetable: None_
    message_types: dict[str, Balance]


class BookRoutes:
    """Bind the route of the books to the service."""

    def __init__(self, books: ReconciliationService) -> None:
        self._books = books

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        options = route(
            "Reconciliation",
            Scope.MESSAGES_READ,
            "Whether all that was due is accounted for",
            ValidationException,
        )
        return [get(RECONCILIATION, **options)(self.show_books)]

    async def show_books(self, days: Days = USUAL_DAYS) -> ShownBooks:
        """Show that every greeting that was due ended, each with a reason, or has yet to.

        The provider's own records are not looked at here: `heyday reconcile` does, where it can.
        """
        return _shown(await self._books.open_books(timedelta(days=days)), days)


def _shown(books: Books, days: int) -> ShownBooks:
    types = {
        each.message_type: {**totals_of([each]), "balanced": each.is_balanced}
        for each in books.balances
    }
    totals = {
        **totals_of(books.balances),
        "balanced": books.is_balanced,
        "days": days,
        "ungreetable": books.ungreetable,
        "message_types": types,
    }
    return msgspec.convert(totals, ShownBooks)
