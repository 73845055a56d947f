from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.errors import InvalidInput
from heyday.domain.models import PersonDraft
from heyday.domain.people import FIELDS, find_suspicious, parse_person
from heyday.domain.tzdb import PINNED

# Already the 15th in Kiritimati, still the 13th in Pago Pago.
NOW = datetime(2027, 1, 14, 10, 30, tzinfo=UTC)
ADA = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "timezone": "Europe/London",
}


def problems(given_fields: dict[str, Any], now: datetime = NOW) -> dict[str, str]:
    """Return what is wrong with Ada, changed so, by field; {} if nothing."""
    try:
        parse_person(ADA | given_fields, now)
    except InvalidInput as error:
        names = [problem.name for problem in error.problems]
        assert len(names) == len(set(names)), "one problem a field is enough"
        return {problem.name: problem.detail for problem in error.problems}
    return {}


def test_a_person_with_everything():
    person = parse_person(
        ADA
        | {
            "birthday_date": "1915-12-10",
            "anniversary_date": "2020-02-29",
            "location_city": "London",
            "location_country": "United Kingdom",
        },
        NOW,
    )
    assert person == PersonDraft(
        "Ada",
        "Lovelace",
        "ada@example.com",
        "Europe/London",
        date(1915, 12, 10),
        date(2020, 2, 29),
        "London",
        "United Kingdom",
    )


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_what_is_optional_may_be_absent_none_or_empty(nothing: str | None):
    optional = ("birthday_date", "anniversary_date", "location_city", "location_country", "locale")
    assert parse_person(ADA | dict.fromkeys(optional, nothing), NOW) == parse_person(ADA, NOW)


@pytest.mark.parametrize("field", ADA)
@pytest.mark.parametrize("nothing", [None, "", " \t "])
def test_what_is_required_must_be_there(field: str, nothing: str | None):
    assert problems({field: nothing}) == {field: "is required"}


def test_every_problem_is_named_at_once():
    found = problems(
        {
            "first_name": "",
            "last_name": 7,
            "email": "ada",
            "timezone": "Mars/Olympus",
            "birthday_date": "1990-02-30",
            "anniversary_date": "2090-01-01",
            "location_city": "x" * 101,
            "location_country": "a\x00b",
            "locale": "English",
            "nickname": "Countess",
        }
    )
    assert set(found) == {*FIELDS, "nickname"}


def test_nothing_given_names_what_is_required():
    with pytest.raises(InvalidInput) as caught:
        parse_person({}, NOW)
    assert [problem.field for problem in caught.value.problems] == list(ADA)


@pytest.mark.parametrize("field", ["id", "deleted_at", "Email", " email", "", "é", "x" * 500])
def test_an_unknown_field_is_refused(field: str):
    found = problems({field: "x"})
    assert list(found) == [field[:100]]
    assert "known: first_name, last_name, email, timezone" in found[field[:100]]


def test_the_name_of_an_unknown_field_can_be_encoded():
    for name in problems({"\ud800": "x"}):
        assert name.encode("utf-8") == b"?"


# --- Texts ------------------------------------------------------------------------------------

TEXTS = ("first_name", "last_name", "location_city", "location_country")


@pytest.mark.parametrize("field", TEXTS)
def test_texts_are_trimmed_and_up_to_100_characters_long(field: str):
    assert getattr(parse_person(ADA | {field: f"  {'é' * 100}\n"}, NOW), field) == "é" * 100
    assert problems({field: "é" * 101}) == {
        field: "has 101 characters; at most 100 are allowed",
    }


@pytest.mark.parametrize(
    "name",
    [
        "O'Brien",
        "Łukasz",
        "Nguyễn Thị",
        "山田",
        "مُحَمَّد",
        "Anne-Marie",
        "R2",
        "X",
        "👩\u200d🚀",
        "{n}",
        "%s",
    ],
)
def test_names_are_what_people_are_called(name: str):
    assert parse_person(ADA | {"first_name": name}, NOW).first_name == name


@pytest.mark.parametrize("field", [*TEXTS, "email", "timezone"])
@pytest.mark.parametrize("bad", ["\x00", "\n", "\r", "\x1b", "\x7f", "\x85", "\ud800"])
def test_controls_and_half_pairs_are_refused(field: str, bad: str):
    assert "control character" in problems({field: f"a{bad}b"})[field]


@pytest.mark.parametrize("field", [*TEXTS, "email", "timezone"])
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "a boolean"),
        (0, "a number"),
        (1.5, "a number"),
        (["a"], "a list"),
        ({"a": 1}, "an object"),
    ],
)
def test_what_is_no_text_is_named_as_json_names_it(field: str, value: object, kind: str):
    assert problems({field: value}) == {field: f"must be a text, not {kind}"}


# --- Addresses and zones ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["ada", "ada@", "@example.com", "a b@example.com", "ada@localhost", "a@b@c.com"]
)
def test_what_is_no_address_is_refused_and_not_repeated(address: str):
    found = problems({"email": address})
    assert found == {"email": "is not an email address; expected one such as ada@example.com"}


def test_an_address_is_stored_with_its_domain_in_lower_case():
    assert parse_person(ADA | {"email": "Ada@EXAMPLE.com"}, NOW).email == "Ada@example.com"


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+5", "America/Port-au-Prince", "Asia/Calcutta"])
def test_zones_of_the_tz_database(zone: str):
    assert parse_person(ADA | {"timezone": zone}, NOW).timezone == zone


@pytest.mark.parametrize("zone", ["Berlin", "UTC+1", "europe/london", "../UTC", "Europe/ London"])
def test_what_is_no_zone_is_refused(zone: str):
    assert set(problems({"timezone": zone})) == {"timezone"}


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("AMERICA/PORT-AU-PRINCE", "America/Port-au-Prince"),
        ("utc", "UTC"),
        ("etc/gmt+5", "Etc/GMT+5"),
    ],
)
def test_a_zone_in_the_wrong_case_is_refused_with_its_right_name(zone: str, meant: str):
    found = problems({"timezone": zone})
    assert found == {"timezone": f"is not an IANA time zone; did you mean {meant}?"}


@pytest.mark.parametrize(
    ("place", "meant"),
    [
        ("Tokyo", "Asia/Tokyo"),
        ("new york", "America/New_York"),
        ("Germany", "Europe/Berlin"),
        ("Georgia", "Asia/Tbilisi"),
    ],
)
def test_a_city_or_a_country_is_refused_with_the_zone_that_may_be_meant(place: str, meant: str):
    assert problems({"timezone": place})["timezone"].endswith(f"did you mean {meant}?")


@pytest.mark.parametrize("zone", ["Europe/Berln", "EuropeBerlin", "Europe"])
def test_no_zone_is_guessed_from_a_slip(zone: str):
    assert "expected a name such as Europe/Berlin" in problems({"timezone": zone})["timezone"]


def test_a_zone_that_the_tz_database_dropped_is_stored_as_the_one_in_its_place():
    assert len(PINNED.vanished) > 10
    for zone, successor in PINNED.vanished.items():
        assert parse_person(ADA | {"timezone": zone}, NOW).timezone == successor
    assert PINNED.vanished["US/Pacific-New"] == "America/Los_Angeles"


# --- Dates ------------------------------------------------------------------------------------

DATES = ("birthday_date", "anniversary_date")


@pytest.mark.parametrize("field", DATES)
@pytest.mark.parametrize(
    "value",
    [
        "14.01.1990",
        "1990-1-14",
        "19900114",
        "1990-01-14T00:00:00Z",
        "1990-W02-7",
        "٢٠٢٠-01-01",
        "x",
        True,
        19900114,
        0,
        1e9,
        ["1990-01-14"],
        "--2-29",
        "--0229",
        "9" * 100_000,
    ],
)
def test_a_date_is_written_one_way(field: str, value: object):
    expected = "must be a date written YYYY-MM-DD, or --MM-DD without a year"
    assert problems({field: value}) == {field: expected}


@pytest.mark.parametrize("field", DATES)
def test_an_object_that_is_no_date_is_told_what_it_must_hold(field: str):
    assert "must hold month, day and year" in problems({field: {"hour": 9}})[field]


@pytest.mark.parametrize("field", DATES)
@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        ({}, ["month", "day"]),
        ({"month": 2}, ["day"]),
        ({"month": 13, "day": 1}, ["month"]),
        ({"year": 0, "month": 0, "day": 0}, ["year", "month", "day"]),
        ({"year": "1990", "month": 2, "day": True}, ["year", "day"]),
    ],
)
def test_each_part_of_a_date_that_is_wrong_is_named(
    field: str, parts: dict[str, object], wrong: list[str]
):
    assert list(problems({field: parts})) == [f"{field}.{part}" for part in wrong]


@pytest.mark.parametrize("field", DATES)
@pytest.mark.parametrize(
    "value",
    ["--02-29", " --02-29 ", "1604-02-29", {"year": None, "month": 2, "day": 29}],
)
def test_a_date_may_have_no_year(field: str, value: object):
    assert getattr(parse_person(ADA | {field: value}, NOW), field) == date(1604, 2, 29)


@pytest.mark.parametrize("field", DATES)
def test_a_date_may_be_given_by_its_parts(field: str):
    parts = {"year": 1990, "month": 2, "day": 14}
    assert getattr(parse_person(ADA | {field: parts}, NOW), field) == date(1990, 2, 14)
    assert "must lie between" in problems({field: parts | {"year": 2030}})[field]


def test_a_day_without_a_year_is_never_in_the_future():
    assert problems({"birthday_date": "--12-31", "anniversary_date": "--01-16"}) == {}


@pytest.mark.parametrize("value", ["1990-02-30", "2027-02-29", "--02-30", "0000-01-01"])
def test_a_date_must_be_on_the_calendar(value: str):
    assert "not a day of the calendar" in problems({"birthday_date": value})["birthday_date"]


@pytest.mark.parametrize("field", DATES)
@pytest.mark.parametrize(
    ("zone", "today"),
    [
        ("Pacific/Kiritimati", "2027-01-15"),
        ("UTC", "2027-01-14"),
        ("Pacific/Pago_Pago", "2027-01-13"),
    ],
)
def test_a_date_ends_today_on_the_persons_own_calendar(field: str, zone: str, today: str):
    tomorrow = f"{today[:-1]}{int(today[-1]) + 1}"
    assert problems({"timezone": zone, field: today}) == {}
    assert (
        "must lie between 1900-01-01 and today"
        in problems({"timezone": zone, field: tomorrow})[field]
    )


@pytest.mark.parametrize("field", DATES)
def test_a_date_that_has_a_year_begins_with_1900(field: str):
    assert problems({field: "1900-01-01"}) == {}
    for before in ("1899-12-31", "1899-12-30", "1753-01-01", "1605-01-01", "1603-12-31"):
        assert set(problems({field: before})) == {field}
    assert set(problems({field: "0001-01-01"})) == {field}


@pytest.mark.parametrize(
    ("given_dates", "found"),
    [
        ({}, []),
        ({"birthday_date": "1900-01-01"}, ["birthday_date"]),
        ({"anniversary_date": "1970-01-01"}, ["anniversary_date"]),
        (
            {"birthday_date": "1970-01-01", "anniversary_date": "1900-01-01"},
            ["birthday_date", "anniversary_date"],
        ),
        ({"birthday_date": "1970-01-02", "anniversary_date": "--01-01"}, []),
    ],
)
def test_a_placeholder_is_taken_and_found(given_dates: dict[str, str], found: list[str]):
    assert list(find_suspicious(parse_person(ADA | given_dates, NOW))) == found


@pytest.mark.parametrize("hours", range(0, 48, 3))
def test_around_new_year_today_is_still_the_persons_own(hours: int):
    now = datetime(2026, 12, 31, tzinfo=UTC) + timedelta(hours=hours)
    for zone in ("Pacific/Kiritimati", "UTC", "Pacific/Pago_Pago"):
        today = now.astimezone(PINNED.load(zone)).date()
        tomorrow = today + timedelta(days=1)
        assert problems({"timezone": zone, "birthday_date": str(today)}, now) == {}
        assert problems({"timezone": zone, "birthday_date": str(tomorrow)}, now)


def test_a_wrong_zone_alone_makes_no_date_wrong():
    wrong = {"timezone": "Mars/Olympus"}
    assert set(problems(wrong | {"birthday_date": "2027-01-15"})) == {"timezone"}
    assert set(problems(wrong | {"birthday_date": "2027-01-16"})) == {"timezone", "birthday_date"}


# --- Anything ---------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(), values))
def test_anything_is_a_person_or_says_which_field_is_wrong(raw: dict[str, Any]):
    found = problems(raw)
    assert set(raw) - set(FIELDS) == set() or len(found) > 0
    for field, detail in found.items():
        assert f"{field}: {detail}".encode()
    if not found:
        person = parse_person(ADA | raw, NOW)
        for name in (person.first_name, person.last_name, person.email, person.timezone):
            assert name
            assert name == name.strip()


@given(st.text(min_size=1).filter(str.strip))
def test_no_text_of_an_error_repeats_a_long_value(value: str):
    for field in ("first_name", "email", "timezone", "birthday_date"):
        for detail in problems({field: value}).values():
            assert len(value.strip()) < 30 or value.strip() not in detail
