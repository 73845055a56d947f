"""Read language tags (BCP 47), and find the nearest language that there is."""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global

_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(-(?P<script>[a-z]{4}))?(-(?P<region>[a-z]{2}|\d{3}))?(-.*)?",
    re.IGNORECASE | re.ASCII,
)
_LONGEST = 100

# What CLDR names otherwise than people do: Norwegian is nearly always written as Bokmål.
_OTHERWISE = {"no": "nb"}

# Where the family's name comes first. Source: CLDR, personNames, nameOrderLocales "surnameFirst".
_FAMILY_FIRST = frozenset({"hu", "ja", "ko", "vi", "yue", "zh"})


def canonical(tag: str) -> str | None:
    """Return a tag as BCP 47 writes it, pt-BR or zh-Hant, without what follows the region.

    pt_BR, which operating systems write, is taken as well, and `in` for id, `iw` for he. None: it
    is no tag.
    """
    # An operating system's tag goes on with an encoding: pt_BR.UTF-8.
    plain = tag.strip().partition(".")[0].partition("@")[0].replace("_", "-")
    match = _TAG.fullmatch(plain) if len(tag) <= _LONGEST else None
    # What POSIX has for no language at all.
    if match is None or match["language"].lower() == "c":
        return None
    language = match["language"].lower()
    alias = str(get_global("language_aliases").get(language, language))
    language = _OTHERWISE.get(language, alias if alias.isalpha() else language)
    script, region = match["script"], match["region"]
    parts = [language, script.title() if script else "", region.upper() if region else ""]
    return "-".join(part for part in parts if part)


@lru_cache(maxsize=1024)
def locale_of(tag: str) -> Locale | None:
    """Return what is known about a language, of a canonical tag; None if nothing is."""
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return None


def nearest(tag: str, there_are: Collection[str]) -> str | None:
    """Return which of these languages is nearest to a canonical tag; None if none is like it.

    What is left out of a tag is left out from its end (RFC 4647, lookup). A language in another
    script is not like it: zh-Hant is not served by zh, nor sr-Latn by sr.
    """
    script = _script_of(tag)
    for candidate in _candidates(tag):
        if candidate in there_are and _script_of(candidate) == script:
            return candidate
    return None


def is_family_first(tag: str) -> bool:
    """Tell whether the family's name comes first in a language."""
    return tag.partition("-")[0] in _FAMILY_FIRST


def is_right_to_left(tag: str) -> bool:
    """Tell whether a language is written from right to left."""
    locale = locale_of(tag)
    return locale is not None and locale.text_direction == "rtl"


def _candidates(tag: str) -> Iterator[str]:
    """Yield a tag, and what is less and less like it: zh-TW, zh-Hant-TW, zh-Hant, zh."""
    match = _TAG.fullmatch(tag)
    if match is None:
        return
    language, region, script = match["language"], match["region"], _script_of(tag)
    yield tag
    if region:
        yield f"{language}-{script}-{region}"
        yield f"{language}-{region}"
    yield f"{language}-{script}"
    yield language


@lru_cache(maxsize=1024)
def _script_of(tag: str) -> str:
    """Return the script of a tag, or the one that is likely: Hant for zh-TW. Source: CLDR."""
    match = _TAG.fullmatch(tag)
    if match is None:
        return ""
    if match["script"]:
        return match["script"]
    likely = get_global("likely_subtags")
    language, region = match["language"], match["region"]
    found = likely.get(f"{language}_{region}") or likely.get(language) or ""
    parts = found.split("_")
    return parts[1] if len(parts) > 1 else ""
