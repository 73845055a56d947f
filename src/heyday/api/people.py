"""Show people as JSON."""

from collections.abc import Sequence
from datetime import date
from operator import attrgetter
from typing import Any

from heyday.api.shapes import Person, PersonPage
from heyday.domain.dates import format_date
from heyday.domain.models import User

_fields = attrgetter(*Person.__struct_fields__)


def show_person(user: User) -> Person:
    """Return a person as shown."""
    return Person(*(_shown(value) for value in _fields(user)))


def show_page(users: Sequence[User], limit: int) -> PersonPage:
    """Return a page of up to `limit`, of one more who were asked for to know what is next."""
    page = users[:limit]
    following = page[-1].id if users[limit:] else None
    return PersonPage([show_person(user) for user in page], following)


def _shown(value: Any) -> Any:
    # `type`, as an instant would pass for a date with isinstance.
    return format_date(value) if type(value) is date else value
