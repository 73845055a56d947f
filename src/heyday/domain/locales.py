"""Read by which language somebody goes: a tag of BCP 47 (RFC 5646), such as pt-BR."""

import re

LOCALE_LENGTH = 35
"""The most characters of a tag that systems must be able to take (RFC 5646, section 4.4.1)."""

TAG_PATTERN = (
    "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*$"
)
"""What a tag is once it is normalised: language, script, region, variants."""

NO_TAG = "is not a language tag; expected one of BCP 47 such as de, pt-BR or zh-Hant"

_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-[a-z]{3}){0,3}(?:-(?P<script>[a-z]{4}))?"
    r"(?:-(?P<region>[a-z]{2}|[0-9]{3}))?(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
    r"(?:-[a-z0-9](?:-[a-z0-9]{1,8})+)*",
    re.ASCII | re.IGNORECASE,
)
# How POSIX names a locale: de_DE.UTF-8@euro. What follows the region says nothing of a language.
_POSIX_END = re.compile(r"[.@].*", re.DOTALL)


def normalize_locale(given: str) -> str | None:
    """Return a tag as it is stored, or None if it is no tag.

    Whatever its case, and with _ for -, as programs write it. What tells of calendars, sorting or
    private agreement is left out, for no text is chosen by it.
    """
    if len(given) > 2 * LOCALE_LENGTH:
        return None
    found = _TAG.fullmatch(_POSIX_END.sub("", given).replace("_", "-"))
    if found is None:
        return None
    parts = [found["language"].lower()]
    if found["script"]:
        parts.append(found["script"].title())
    if found["region"]:
        parts.append(found["region"].upper())
    tag = "-".join(parts) + found["variants"].lower()
    return tag if len(tag) <= LOCALE_LENGTH else None
