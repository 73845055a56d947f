"""Check many people at once, column by column, where nothing is odd about them.

What holds for nearly every row (its texts are printable, its zone is one, its dates are long past)
is found out for a whole column by a few calls. A row that it does not hold for is left to
parse_person, which takes it or names what is wrong: nothing is refused here.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

from heyday.domain.addresses import normalize_address
from heyday.domain.dates import ReadDate, WrongDate, has_year, parse_date
from heyday.domain.locales import normalize_locale
from heyday.domain.models import PersonDraft
from heyday.domain.people import EARLIEST_ON, EMAIL_LENGTH, FIELDS, NAME_LENGTH, REQUIRED
from heyday.domain.tzdb import PINNED

_T = TypeVar("_T")

_DATES = frozenset({"birthday_date", "anniversary_date"})
# Stands for what is not known to be a date that all may have.
_ODD_ON = date.max
# Yesterday in UTC is over, or today, wherever on earth a person is.
_ONE_DAY = timedelta(days=1)


class PersonFields(NamedTuple):
    """Hold what a PersonDraft holds, at a fraction of its cost."""

    first_name: str
    last_name: str
    email: str
    timezone: str
    birthday_date: date | None
    anniversary_date: date | None
    location_city: str | None
    location_country: str | None
    locale: str | None

    @classmethod
    def of(cls, person: PersonDraft) -> "PersonFields":
        """Return the fields of a person."""
        return cls(*(getattr(person, name) for name in FIELDS))


class StoredPeople(NamedTuple):
    """Say what storing many people did: ids of the new, and of those with whom planning goes on.

    new: all of them.   new_near, changed_near: people of whom a day is near, with their zones.
    changed_others: people who were there and of whom no day is near, as they are now.
    """

    new: Sequence[UUID] = ()
    new_near: Sequence[UUID] = ()
    new_zones: Collection[str] = ()
    changed_near: Sequence[UUID] = ()
    changed_zones: Collection[str] = ()
    changed_others: Sequence[UUID] = ()

    @property
    def changed(self) -> int:
        """Return how many were there and are otherwise now."""
        return len(self.changed_near) + len(self.changed_others)


class PeopleReader:
    """Read rows of text cells that all have the same columns, each the name of a field."""

    def __init__(self, columns: Sequence[str], read_date: ReadDate = parse_date) -> None:
        self._places = {name: place for place, name in enumerate(columns)}
        self._dates = _Dates(read_date)

    def read(self, rows: Sequence[Sequence[str]], now: datetime) -> Sequence[PersonFields | None]:
        """Return the person in each row as parse_person would; None says: ask it about this row."""
        if not rows:
            return []
        self._dates.latest_on = (now - _ONE_DAY).date()
        cells = list(zip(*rows, strict=True))
        odd: set[int] = set()
        columns = [
            self._read_column(name, cells[self._places[name]], odd)
            if name in self._places
            else [None] * len(rows)
            for name in FIELDS
        ]
        people: list[PersonFields | None] = list(
            map(PersonFields._make, zip(*columns, strict=True))
        )
        for place in odd:
            people[place] = None
        return people

    def _read_column(self, name: str, cells: Sequence[str], odd: set[int]) -> Sequence[object]:
        """Return the values of a column, and add the places of those that are odd."""
        if name in _DATES:
            dates = [self._dates[cell] for cell in cells]
            _add_odd(odd, dates, lambda on: on is _ODD_ON, is_any=_ODD_ON in dates)
            return dates
        texts = _read_texts(name, cells, odd)
        if name == "timezone":
            is_any = not PINNED.names.issuperset(texts)
            _add_odd(odd, texts, lambda zone: zone not in PINNED.names, is_any=is_any)
        elif name == "email":
            addresses = [normalize_address(text) for text in texts]
            _add_odd(odd, addresses, lambda address: address is None, is_any=None in addresses)
            return addresses
        elif name == "locale":
            return _read_locales(texts, odd)
        return texts if name in REQUIRED else [text or None for text in texts]


def _read_locales(texts: Sequence[str], odd: set[int]) -> Sequence[str | None]:
    # There are few, and many people have the same.
    tags = {text: normalize_locale(text) for text in set(texts) if text}
    is_any = None in tags.values()
    _add_odd(odd, texts, lambda text: bool(text) and tags[text] is None, is_any=is_any)
    return [tags.get(text) for text in texts]


def _read_texts(name: str, cells: Sequence[str], odd: set[int]) -> list[str]:
    texts = [cell.strip() for cell in cells]
    longest = EMAIL_LENGTH if name == "email" else NAME_LENGTH
    is_required = name in REQUIRED
    is_any = (
        len(max(texts, key=len)) > longest
        or (is_required and "" in texts)
        or not "".join(texts).isprintable()
    )
    _add_odd(
        odd,
        texts,
        lambda text: len(text) > longest or (is_required and not text) or not text.isprintable(),
        is_any=is_any,
    )
    return texts


def _add_odd(
    odd: set[int], values: Sequence[_T], is_odd: Callable[[_T], bool], *, is_any: bool
) -> None:
    if is_any:
        odd.update(place for place, value in enumerate(values) if is_odd(value))


class _Dates(dict[str, date | None]):
    """Remember each date that was written, so that one of the calendar is read once.

    latest_on: a date that is past, or today, in every zone.
    """

    def __init__(self, read_date: ReadDate) -> None:
        super().__init__({"": None})
        self._read_date = read_date
        self.latest_on = date.min

    def __missing__(self, cell: str) -> date | None:
        written = cell.strip()
        if not written:
            return None
        try:
            on = self._read_date(written)
        except WrongDate:
            return _ODD_ON
        if has_year(on) and not EARLIEST_ON <= on <= self.latest_on:
            return _ODD_ON
        # Without blanks there are hardly more ways to write a date than there are dates.
        if cell == written:
            self[cell] = on
        return on
