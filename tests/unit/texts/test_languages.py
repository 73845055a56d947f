"""Tags of languages, and which of those there are is nearest."""

import pytest

from heyday.texts.languages import canonical, is_family_first, locale_of, nearest

THERE_ARE = {"ar", "de", "en", "hi", "id", "nb", "pt", "sr", "zh", "zh-Hant"}


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("pt-br", "pt-BR"),
        ("pt_BR.UTF-8", "pt-BR"),
        ("de_DE@euro", "de-DE"),
        ("ZH-HANT-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("en-US-u-ca-buddhist", "en-US"),
        ("de-CH-1901", "de-CH"),
        ("in", "id"),
        ("iw", "he"),
        ("no", "nb"),
        ("C", None),
        ("C.UTF-8", None),
        ("POSIX", None),
        ("", None),
        ("i-klingon", None),
        ("english", None),
        ("e" * 101, None),
        ("d\u0435", None),
    ],
)
def test_a_tag_is_written_as_bcp_47_has_it(given: str, written: str | None):
    assert canonical(given) == written


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("pt-BR", "pt"),
        ("de-AT", "de"),
        ("zh-TW", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-Hant-MO", "zh-Hant"),
        ("zh-SG", "zh"),
        ("zh-Hans-TW", "zh"),
        ("nb-NO", "nb"),
        ("sr-Latn", None),
        ("hi-Latn", None),
        ("fi", None),
        ("x", None),
    ],
)
def test_the_nearest_language_is_in_the_same_script(tag: str, found: str | None):
    assert nearest(tag, THERE_ARE) == found


def test_a_region_goes_before_the_language_alone():
    assert nearest("pt-BR", {"pt", "pt-BR"}) == "pt-BR"
    assert nearest("zh-Hant-TW", {"zh-TW", "zh"}) == "zh-TW"
    assert nearest("zh-TW", {"zh-Hant", "zh"}) == "zh-Hant"


def test_families_come_first_in_the_east_and_in_hungary():
    first = [
        tag for tag in ("ja", "zh-Hant-TW", "ko-KR", "hu", "de", "tr", "hi") if is_family_first(tag)
    ]
    assert first == ["ja", "zh-Hant-TW", "ko-KR", "hu"]


def test_nothing_is_known_of_an_invented_language():
    assert locale_of("qqq") is None
    assert locale_of("pt-BR") is not None
