"""What people read when something goes wrong, for every kind of problem that there is."""

from typing import Any, cast

import pytest
from litestar.testing import RequestFactory

from heyday.api.problems import PROBLEM_KINDS, ProblemKind
from heyday.web.problems import ProblemPages
from heyday.web.shell import Shell
from heyday.web.static_files import StaticFiles
from tests.fakes import FakeClock

KINDS = sorted(set(PROBLEM_KINDS.values()), key=lambda kind: kind.name)
# Words of programs; nobody who looks at a page knows them, or can do anything with them.
FOREIGN = ("JSON", "Bearer", "curl", "header", "If-Match", "Idempotency", "UUID", "If-Match")
# What only programs meet: pages have no way to ask for it.
OF_PROGRAMS = {
    "idempotency-key-in-use",
    "idempotency-key-reused",
    "malformed-body",
    "malformed-idempotency-key",
    "method-not-allowed",
    "no-such-dead-letter",
    "no-such-key",
    "no-such-message-type",
    "unauthenticated",
    "unsupported-media-type",
}


def shown(kind: ProblemKind, **headers: str) -> tuple[int, str, dict[str, str]]:
    show = ProblemPages(Shell(FakeClock(), StaticFiles()))
    request = RequestFactory().get("/people", headers=headers)
    response = show(
        cast("Any", request),
        status=int(kind.status),
        kind=kind.name,
        detail=kind.detail,
        errors=[("email", "is <b>no</b> address"), ("", "one value is too long")],
        request_id="0f3c5d0a",
        headers={"Retry-After": "5"},
    )
    return response.status_code or 0, response.content, dict(response.headers)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_is_a_page_with_its_status_and_its_number(kind: ProblemKind) -> None:
    status, text, headers = shown(kind)
    assert status == kind.status
    assert "<h1>" in text
    assert "0f3c5d0a" in text
    assert "is &lt;b&gt;no&lt;/b&gt; address" in text
    assert headers["Retry-After"] == "5"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.name not in OF_PROGRAMS], ids=lambda kind: kind.name
)
def test_each_kind_that_people_meet_is_told_in_their_words(kind: ProblemKind) -> None:
    _, text, _ = shown(kind)
    assert "This did not work" not in text
    assert [word for word in FOREIGN if word in text.partition("<main")[2]] == []


def test_a_script_gets_the_part_that_it_puts_in_the_page() -> None:
    status, text, headers = shown(PROBLEM_KINDS[Exception], **{"hx-request": "true"})
    assert status == 500
    assert "<html" not in text
    assert "Something went wrong here" in text
    assert headers["HX-Retarget"] == "#fault"
