"""How files of people seem to be meant, by their headers and their first rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.errors import InvalidInput
from heyday.domain.people import FIELDS
from heyday.domain.readings import Delimiter, Encoding, Reading
from heyday.domain.written_dates import DateOrder
from heyday.services.column_names import guess_columns
from heyday.services.guessing import SAMPLE_ROWS, guess_reading


def guess(text: str, *, is_whole: bool = True) -> Reading:
    return guess_reading(text.encode(), Encoding.UTF_8, is_whole=is_whole)[0]


def named(*header: str) -> dict[str, str]:
    return {name: header[place] for name, place in guess_columns(header).items()}


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (FIELDS, {name: name for name in FIELDS}),
        (
            ("Vorname", "Nachname", "E-Mail-Adresse", "Zeitzone", "Geburtstag", "Eintrittsdatum"),
            {
                "first_name": "Vorname",
                "last_name": "Nachname",
                "email": "E-Mail-Adresse",
                "timezone": "Zeitzone",
                "birthday_date": "Geburtstag",
                "anniversary_date": "Eintrittsdatum",
            },
        ),
        (
            ("PRÉNOM", "Nom", "Courriel", "Fuseau horaire", "Date de naissance", "Ville"),
            {
                "first_name": "PRÉNOM",
                "last_name": "Nom",
                "email": "Courriel",
                "timezone": "Fuseau horaire",
                "birthday_date": "Date de naissance",
                "location_city": "Ville",
            },
        ),
        (
            ("Nombre", "Apellidos", "Correo electrónico", "Fecha de nacimiento"),
            {
                "first_name": "Nombre",
                "last_name": "Apellidos",
                "email": "Correo electrónico",
                "birthday_date": "Fecha de nacimiento",
            },
        ),
        (
            ("姓", "名", "メールアドレス", "生年月日"),
            {"last_name": "姓", "first_name": "名", "email": "メールアドレス",
             "birthday_date": "生年月日"},
        ),
        (("Vorname", "Name"), {"first_name": "Vorname", "last_name": "Name"}),
        (("Name", "E-mail"), {"email": "E-mail"}),
        (("Mail", "email"), {"email": "email"}),
        (("Shoe size", "", "ID"), {}),
    ],
)  # fmt: skip
def test_columns_are_known_by_their_names(header: tuple[str, ...], columns: dict[str, str]):
    assert named(*header) == columns


@pytest.mark.parametrize(
    ("delimiter", "sign"),
    [(each, each.value) for each in Delimiter],
)
def test_what_stands_between_columns_is_found(delimiter: Delimiter, sign: str):
    rows = [["first_name", "email", "x"], ["Ada, Lady; of | it\t", "a@x.org", "1"]]
    text = "\n".join(sign.join(f'"{cell}"' for cell in row) for row in rows)
    assert guess(text).delimiter is delimiter


def test_a_semicolon_beats_commas_that_stand_in_cells():
    text = "Vorname;Nachname\nAda;Byron, Lady\nGrace;Murray, USN\n"
    assert guess(text).delimiter is Delimiter.SEMICOLON


def test_a_file_without_a_header_is_known_by_its_cells():
    reading = guess("Ada,Byron,ada@x.org,Europe/London,10/12/1990\nG,M,g@x.org,UTC,09/13/1986\n")
    assert not reading.has_header
    assert reading.columns == {"email": 2, "timezone": 3, "birthday_date": 4}
    assert reading.dates is DateOrder.MONTH_FIRST


def test_a_column_that_has_a_name_is_no_birthday_by_its_cells():
    reading = guess("Vorname,Adresse,Zuletzt gesehen\nAda,ada@x.org,2020-01-01\n")
    assert reading.columns == {"first_name": 0, "email": 1}


def test_a_row_that_was_cut_off_counts_for_nothing():
    reading, sample = guess_reading(
        b"first_name,email\nAda,a@x.org\nGra", Encoding.UTF_8, is_whole=False
    )
    assert [row.cells for row in sample.rows] == [["Ada", "a@x.org"]]
    assert reading.columns == {"first_name": 0, "email": 1}


def test_no_more_is_looked_at_than_some_hundred_rows():
    text = "first_name,email\n" + "Ada,a@x.org\n" * (SAMPLE_ROWS + 100)
    assert len(guess_reading(text.encode(), Encoding.UTF_8, is_whole=True)[1].rows) == SAMPLE_ROWS


@given(st.binary(max_size=400))
def test_whatever_comes_is_guessed_or_refused(content: bytes):
    for encoding in Encoding:
        try:
            reading, sample = guess_reading(content, encoding, is_whole=True)
        except InvalidInput:
            continue
        assert max(reading.columns.values(), default=0) <= len(sample.columns)
