"""People who are checked by the column are those that parse_person takes, row by row."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.errors import InvalidInput
from heyday.domain.people import FIELDS, parse_person
from heyday.domain.people_tables import PeopleReader, PersonFields

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
ADA = (
    "Ada",
    "Lovelace",
    "ada@Example.com",
    "Europe/London",
    "1985-12-10",
    "",
    " Rome ",
    "",
    "EN_gb",
)


def read(
    rows: Sequence[Sequence[str]], columns: Sequence[str] = FIELDS
) -> list[PersonFields | None]:
    return list(PeopleReader(columns).read(rows, NOW))


def test_a_row_becomes_a_person_trimmed_and_empty_cells_become_none():
    assert read([ADA]) == [
        PersonFields(
            "Ada", "Lovelace", "ada@example.com", "Europe/London", date(1985, 12, 10), None, "Rome",
            None, "en-GB",
        )
    ]  # fmt: skip


def test_columns_may_be_fewer_and_in_any_order():
    columns = ("timezone", "email", "last_name", "first_name")
    (person,) = read([("UTC", "a@x.org", "L", "Ada")], columns)
    assert person == PersonFields("Ada", "L", "a@x.org", "UTC", None, None, None, None, None)


def test_no_rows_are_no_people():
    assert read([]) == []


ODD = [(name, "\0") for name in FIELDS] + [
    ("timezone", "Mars"),
    ("timezone", "US/Pacific-New"),
    ("email", "nowhere"),
    ("first_name", " "),
    ("last_name", "x" * 101),
    ("birthday_date", "1990-02-30"),
    ("locale", "English"),
]


@pytest.mark.parametrize(("name", "cell"), ODD)
def test_an_odd_cell_leaves_its_own_row_to_parse_person(name: str, cell: str):
    odd = list(ADA)
    odd[FIELDS.index(name)] = cell
    assert [person is None for person in read([ADA, odd, ADA])] == [False, True, False]


def test_a_date_that_not_every_zone_has_reached_is_odd():
    dates = ("2027-01-08", "2027-01-09", "2027-01-10", "1900-01-01", "1899-12-31")
    rows = [(*ADA[:4], on, *ADA[5:]) for on in dates]
    assert [person is None for person in read(rows)] == [False, False, True, False, True]


def test_a_date_that_was_odd_may_be_taken_when_its_day_has_come():
    reader, row = PeopleReader(FIELDS), (*ADA[:4], "2027-01-10", *ADA[5:])
    assert reader.read([row], NOW)[0] is None
    assert reader.read([row], NOW.replace(day=11))[0] is not None


TEXTS = st.one_of(
    st.text(max_size=12),
    st.text("Aé \t\n\x1f\u200d\u00ad\u2028", max_size=5),
    st.sampled_from(["", "Ada", "x" * 100, "x" * 101, " " * 200]),
)
EMAILS = st.one_of(
    st.emails(),
    TEXTS,
    st.sampled_from(
        ["ada@x.org", "Info@X.org", "a@" + "x" * 260, "b\u00fccher@b\u00fccher.de", " a@x.org "]
    ),
)
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", " Asia/Tokyo", "utc", "US/Pacific-New", "", "Mars"]
)
DATES = st.one_of(
    st.dates().map(date.isoformat),
    st.dates(date(2026, 12, 1), date(2027, 2, 1)).map(date.isoformat),
    st.sampled_from(
        ["", " ", "--02-29", "--02-30", "1990-02-30", " 1990-01-15 ", "19900115", "2027-W02-1"]
    ),
)
LOCALES = st.sampled_from(["", " ", "de", " DE-at", "zh_Hant_TW", "de_DE.UTF-8", "x", "German"])
CELLS = st.tuples(TEXTS, TEXTS, EMAILS, ZONES, DATES, DATES, TEXTS, TEXTS, LOCALES)


@st.composite
def rows(draw: st.DrawFn) -> list[tuple[str, ...]]:
    """People of whom a field or two are anything: were all, next to no row would be right."""
    drawn = draw(st.lists(st.tuples(CELLS, st.sets(st.integers(0, 8), max_size=2)), max_size=6))
    return [
        tuple(cells[n] if n in places else cell for n, cell in enumerate(ADA))
        for cells, places in drawn
    ]


@given(rows())
def test_whoever_is_read_is_whom_parse_person_takes(given_rows: list[tuple[str, ...]]):
    for row, person in zip(given_rows, read(given_rows), strict=True):
        try:
            expected = PersonFields.of(parse_person(dict(zip(FIELDS, row, strict=True)), NOW))
        except InvalidInput:
            assert person is None
        else:
            assert person in {None, expected}
