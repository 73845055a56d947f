import pytest
from email_validator import EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.addresses import fold_address, normalize_address, to_mail_address

DOTLESS_I, LONG_S, SIGMA, FINAL_SIGMA, KELVIN = "\u0131", "\u017f", "\u03c3", "\u03c2", "\u212a"
LETTERS_OF_SOME_LOCALES = f"iIİsΣkKßẞ\u0307{DOTLESS_I}{LONG_S}{SIGMA}{FINAL_SIGMA}{KELVIN}"


def by_the_library(address: str) -> str | None:
    try:
        return validate_email(address, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return None


@pytest.mark.parametrize(
    ("address", "stored"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada.Lovelace+heyday@EXAMPLE.com", "Ada.Lovelace+heyday@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("INFO@example.com", "info@example.com"),
        ("rené@exämple.com", "rené@exämple.com"),
        ("ada@xn--exmple-cua.com", "ada@exämple.com"),
        ("ada@mail.test", "ada@mail.test"),
    ],
)
def test_the_form_to_store(address: str, stored: str):
    assert normalize_address(address) == stored


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@localhost",
        "ada@example..com",
        "ada..byron@example.com",
        ".ada@example.com",
        "ada@-example.com",
        "ada@example.com.",
        "ada@[127.0.0.1]",
        "ada byron@example.com",
        "ada@exam ple.com",
        "ada@a@example.com",
        "Ada <ada@example.com>",
        "ada@example.com, bob@example.com",
        "ada@" + "x" * 64 + ".com",
        "ada@" + ".".join(["x" * 60] * 5) + ".com",
    ],
)
def test_what_is_no_address(address: str):
    assert normalize_address(address) is None


local_parts = st.from_regex(r"[A-Za-z0-9_+.'!-]{1,70}", fullmatch=True) | st.sampled_from(
    sorted(CASE_INSENSITIVE_MAILBOX_NAMES)
).map(str.upper)
domains = st.from_regex(r"[A-Za-z0-9.-]{1,40}\.(com|TEST|de)", fullmatch=True) | st.text(
    max_size=20
)


@given(local_parts, domains)
def test_the_quick_way_says_what_the_library_says(local: str, domain: str):
    address = f"{local}@{domain}"
    assert normalize_address(address) == by_the_library(address)


@given(st.emails())
def test_what_is_stored_is_stored_as_it_is_again(address: str):
    stored = normalize_address(address)
    assert stored is None or normalize_address(stored) == stored


@given(st.text())
def test_anything_is_an_address_or_not(text: str):
    assert normalize_address(text) == by_the_library(text)


def _simple_lower(letter: str) -> str:
    """As C libraries do it: one letter for one."""
    return "i" if letter == "İ" else letter.lower()


def _turkish_lower(letter: str) -> str:
    return {"I": DOTLESS_I, "İ": "i"}.get(letter, letter.lower())


LOCALES = (str.lower, _simple_lower, _turkish_lower)


@st.composite
def taken_for_one(draw: st.DrawFn) -> tuple[str, str]:
    """Draw two texts that are one in lower case, letter by letter, by the rules of some locale."""
    lower = draw(st.sampled_from(LOCALES))
    letters = draw(st.text(LETTERS_OF_SOME_LOCALES, min_size=1))
    others = [[o for o in LETTERS_OF_SOME_LOCALES if lower(o) == lower(x)] for x in letters]
    return letters, "".join(draw(st.sampled_from(same)) for same in others)


@given(taken_for_one())
def test_addresses_that_some_postgresql_takes_for_one_are_one(two: tuple[str, str]):
    one, other = two
    assert fold_address(one) == fold_address(other)


# --- As it is written in mail -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "written", "is_international"),
    [
        ("ada@Example.com", "ada@example.com", False),
        ("Ada+x@example.com", "Ada+x@example.com", False),
        ("ada@b\u00fccher.example", "ada@xn--bcher-kva.example", False),
        # Another domain than strasse.example, which is what IDNA 2003 would have written.
        ("ada@stra\u00dfe.example", "ada@xn--strae-oqa.example", False),
        ("\u017c\u00f3\u0142w@example.com", "\u017c\u00f3\u0142w@example.com", True),
        ("o'brien@example.com", "o'brien@example.com", False),
    ],
)
def test_an_address_as_mail_servers_take_it(
    address: str,
    written: str,
    is_international: bool,  # noqa: FBT001 - a case
):
    found = to_mail_address(address)
    assert found
    assert (str(found), found.is_international) == (written, is_international)


@given(st.one_of(st.text(), st.builds("{}@{}".format, st.text(), st.text()), st.emails()))
def test_what_is_stored_can_be_written_and_nothing_else(address: str):
    found = to_mail_address(address)
    assert (found is None) == (by_the_library(address) is None)
    if found:
        assert normalize_address(str(found)) == normalize_address(address)
        assert found.domain.isascii()
        assert not set(str(found)) & set(' \t\r\n\0<>,;:"()[]\\')
        assert str(found).count("@") == 1
