"""Language tags are taken as programs write them, and stored in one form that the table takes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.locales import LOCALE_LENGTH, TAG_PATTERN, normalize_locale


@pytest.mark.parametrize(
    ("given_tag", "stored"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("pt-br", "pt-BR"),
        ("pt_BR", "pt-BR"),
        ("de_DE.UTF-8", "de-DE"),
        ("sr_RS@latin", "sr-RS"),
        ("ZH-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("fil", "fil"),
        ("sl-ROZAJ-biske", "sl-rozaj-biske"),
        ("de-1996", "de-1996"),
        ("de-CH-1996", "de-CH-1996"),
        ("zh-yue-HK", "zh-HK"),
        ("en-US-u-hc-h12", "en-US"),
        ("de-x-firma", "de"),
    ],
)
def test_a_tag_is_stored_in_one_form(given_tag: str, stored: str) -> None:
    assert normalize_locale(given_tag) == stored


@pytest.mark.parametrize(
    "given_tag",
    [
        *("", "d", "English", "deutsch", "de-", "-de", "de--DE", "de DE", "x-firma", "i-klingon"),
        *("C", "de\n", "dé", "de-DE-DE", "de-x", "1de", "de" * 500),
        "de-" + "-".join(["abcde"] * 9),
    ],
)
def test_what_is_no_tag_is_none(given_tag: str) -> None:
    assert normalize_locale(given_tag) is None


@given(st.text(st.sampled_from("deDE-_1234567890abcxzé. "), max_size=40) | st.text())
def test_what_is_stored_is_of_the_form_that_the_table_takes_and_stays_so(text: str) -> None:
    stored = normalize_locale(text)
    if stored is not None:
        assert re.fullmatch(TAG_PATTERN.strip("^$"), stored)
        assert len(stored) <= LOCALE_LENGTH
        assert normalize_locale(stored) == stored
