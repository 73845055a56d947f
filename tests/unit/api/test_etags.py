"""Which ETags a request names, and how the routes of people show and pass them on."""

import httpx
import pytest

from heyday.api.etags import expected, is_known
from heyday.api.route_plans import KEY_HEADER
from heyday.api.users import PEOPLE, SHORT
from heyday.domain.errors import Changed
from tests.unit.api.scripted import ADA, ScriptedUsers

LONG = f"{PEOPLE}/{ADA.id}"
TAG = f'"{ADA.version}"'
EDITS = pytest.mark.parametrize(
    ("method", "path"),
    [
        *((method, path) for method in ("PUT", "DELETE") for path in (LONG, f"{SHORT}/{ADA.id}")),
        ("PATCH", LONG),
        *(("POST", f"{LONG}/{action}") for action in ("undelete", "unsubscribe", "resubscribe")),
    ],
)


def body_for(method: str) -> dict[str, object] | None:
    return {} if method in {"PUT", "PATCH"} else None


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        (None, None),
        ("*", None),
        (" * ", None),
        ('"a"', {"a"}),
        ('"a", "b"', {"a", "b"}),
        ('"a","b" ,', {"a", "b"}),
        ('"a, b"', {"a, b"}),
        ('""', {""}),
        ('W/"a"', set()),
        ('W/"a", "b"', {"b"}),
        ("a", set()),
        ('"a', set()),
        ("", set()),
        ('"*"', {"*"}),
    ],
)
def test_if_match_names_versions_by_strong_tags(
    header: str | None, versions: set[str] | None
) -> None:
    assert expected(header) == versions


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (None, False),
        ("", False),
        ("*", True),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", W/"a"', True),
        ('"b"', False),
        ("a", False),
        ('"ab"', False),
    ],
)
def test_if_none_match_takes_weak_tags_too(header: str | None, *, known: bool) -> None:
    assert is_known("a", header) is known


@EDITS
@pytest.mark.parametrize(
    ("headers", "versions"), [({}, None), ({"If-Match": f'W/"x", {TAG}'}, {ADA.version})]
)
async def test_an_edit_passes_on_what_it_expects_and_answers_with_the_tag(  # noqa: PLR0913, PLR0917
    client: httpx.AsyncClient,
    users: ScriptedUsers,
    method: str,
    path: str,
    headers: dict[str, str],
    versions: set[str] | None,
) -> None:
    reply = await client.request(method, path, headers=headers, json=body_for(method))
    assert reply.is_success
    assert users.given[-1] == versions
    assert reply.headers.get("etag") == (None if method == "DELETE" else TAG)


@EDITS
async def test_an_edit_that_comes_too_late_is_a_problem_of_its_own(
    client: httpx.AsyncClient, users: ScriptedUsers, method: str, path: str
) -> None:
    users.fault = Changed()
    late = {"If-Match": '"x"'}
    reply = await client.request(method, path, headers=late, json=body_for(method))
    assert (reply.status_code, reply.json()["type"]) == (412, "/problems/changed")
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", [PEOPLE, SHORT])
async def test_a_new_person_has_a_tag(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, json={})).headers["etag"] == TAG


@pytest.mark.parametrize("path", [PEOPLE, SHORT])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_who_knows_the_person_is_spared_the_body(
    client: httpx.AsyncClient, path: str, method: str
) -> None:
    whole = await client.request(method, f"{path}/{ADA.id}", headers={"If-None-Match": '"x"'})
    assert (whole.status_code, whole.headers["etag"]) == (200, TAG)
    spared = await client.request(method, f"{path}/{ADA.id}", headers={"If-None-Match": TAG})
    assert (spared.status_code, spared.content) == (304, b"")
    same = ("etag", "cache-control", "vary", "content-security-policy")
    assert [spared.headers[name] for name in same] == [whole.headers[name] for name in same]
    assert not {"content-length", "content-type"} & set(spared.headers)


async def test_tags_are_described(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    apart = ("/explanation", "/export", "/erase")
    for path in (p for p in paths if "{user_id}" in p and not p.endswith(apart)):
        for method, operation in paths[path].items():
            asked = {one["name"] for one in operation["parameters"] if one["in"] == "header"}
            assert asked - {KEY_HEADER} == {"If-None-Match" if method == "get" else "If-Match"}
            assert ("412" in operation["responses"]) == (method != "get")
            assert ("304" in operation["responses"]) == (method == "get")
            if method != "delete":
                assert "ETag" in operation["responses"]["200"]["headers"]
    for path in (PEOPLE, SHORT):
        assert set(paths[path]["post"]["responses"]["201"]["headers"]) > {"ETag", "Location"}
