"""Tag what is shown of a person with its version, and read such tags (RFC 9110, section 13)."""

import re
from collections.abc import Collection
from typing import Annotated

from litestar.datastructures import ResponseHeader
from litestar.openapi import ResponseSpec
from litestar.params import HeaderParameter

_TAG = re.compile(r'(W/)?"([^"]*)"')

IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description="ETags, one of which the person must have, or 412 is the answer; * is any.",
    ),
]
TextIfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description='ETags, one of which the text must have, or 412 is the answer; "ready": nobody '
        "has written one yet.",
    ),
]
IfNoneMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-None-Match",
        description="ETags that you hold; if the person has one of them, 304 is the answer.",
    ),
]
ETAG = ResponseHeader(
    name="ETag",
    description="Names this state of the person: another after each change, whoever made it.",
    documentation_only=True,
)
NOT_MODIFIED = ResponseSpec(None, description="The person is as you know them; there is no body.")


def etag(version: str) -> dict[str, str]:
    """Return the header that tags a version."""
    return {"ETag": f'"{version}"'}


def expected(if_match: str | None) -> Collection[str] | None:
    """Return the versions that If-Match allows; None if any will do. Weak tags allow none."""
    if if_match is None or if_match.strip() == "*":
        return None
    return {tag[2] for tag in _TAG.finditer(if_match) if not tag[1]}


def is_known(version: str, if_none_match: str | None) -> bool:
    """Tell whether the caller has this version, by If-None-Match; weak tags count as well."""
    given = if_none_match or ""
    return given.strip() == "*" or any(tag[2] == version for tag in _TAG.finditer(given))
