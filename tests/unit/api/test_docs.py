"""The description of the API agrees with what the API does, and comes from no other host."""

import re
from typing import Any

import httpx
import pytest

from heyday.api.docs import DocsRoutes
from heyday.api.problems import PROBLEM_KINDS
from heyday.domain.people import EMAIL_LENGTH, FIELDS, NAME_LENGTH, REQUIRED

REFUSED = {"400", "401", "403", "409", "413", "415", "422", "429", "500", "503"}
V1 = "/api/v1"
OPERATIONS = {
    ("GET", f"{V1}/messages"),
    ("GET", f"{V1}/messages/{{message_id}}"),
    *(
        ("POST", f"{V1}/messages/{{message_id}}/{action}")
        for action in ("retry", "cancel", "resolve")
    ),
    ("GET", f"{V1}/message-types"),
    ("GET", f"{V1}/message-types/{{name}}"),
    ("GET", f"{V1}/forecast"),
    ("GET", f"{V1}/users/{{user_id}}/explanation"),
    ("GET", f"{V1}/job-runs"),
    ("GET", f"{V1}/reconciliation"),
    ("GET", f"{V1}/queue"),
    ("GET", f"{V1}/queue/dead-letters"),
    ("POST", f"{V1}/queue/dead-letters/{{dead_id}}/requeue"),
    ("DELETE", f"{V1}/queue/dead-letters/{{dead_id}}"),
}


@pytest.fixture
async def openapi(client: httpx.AsyncClient) -> dict[str, Any]:
    reply = await client.get("/openapi.json")
    assert reply.headers["content-type"] == "application/vnd.oai.openapi+json"
    return dict(reply.json())


def operations(openapi: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, item in openapi["paths"].items()
        for method, operation in item.items()
    }


async def test_every_route_of_the_contract_is_described(openapi: dict[str, Any]) -> None:
    assert openapi["openapi"].startswith("3.1")
    users, user, short = "/api/v1/users", "/api/v1/users/{user_id}", "/user/{user_id}"
    imports = "/api/v1/imports"
    health = {"/health", "/health/live", "/health/ready", "/health/schedulers"}
    keys = "/api/v1/keys"
    # That there is no other than these and those served: integration/api/test_who_may.py.
    assert set(operations(openapi)) >= {
        ("GET", keys),
        ("POST", keys),
        ("DELETE", f"{keys}/{{prefix}}"),
        ("GET", users),
        ("POST", users),
        *((method, user) for method in ("GET", "PUT", "PATCH", "DELETE")),
        *(("POST", f"{users}/{action}") for action in ("search", "bulk")),
        ("POST", imports),
        ("GET", imports),
        ("GET", f"{imports}/{{import_id}}"),
        ("GET", f"{imports}/{{import_id}}/rejected"),
        ("DELETE", f"{imports}/{{import_id}}"),
        *(("POST", f"{user}/{action}") for action in ("undelete", "unsubscribe", "resubscribe")),
        ("GET", f"{user}/export"),
        ("POST", f"{user}/erase"),
        ("POST", "/user"),
        *((method, short) for method in ("GET", "PUT", "DELETE")),
        *(("GET", path) for path in health),
        *OPERATIONS,
        ("GET", "/problems/{name}"),
    }


def test_the_description_has_the_version_of_heyday() -> None:
    assert DocsRoutes("1.2.3").openapi().version == "1.2.3"


async def test_every_operation_has_a_name_of_its_own_and_a_line(openapi: dict[str, Any]) -> None:
    described = operations(openapi).values()
    assert len({operation["operationId"] for operation in described}) == len(described)
    assert all(operation["summary"] and operation["tags"] for operation in described)


async def test_the_body_is_described_as_the_domain_checks_it(openapi: dict[str, Any]) -> None:
    schemas = openapi["components"]["schemas"]
    for name, required in (("PersonBody", set(REQUIRED)), ("PersonPatch", set())):
        assert set(schemas[name]["properties"]) == set(FIELDS)
        assert set(schemas[name].get("required", [])) == required
        assert all(field["examples"] for field in schemas[name]["properties"].values())
    fields = schemas["PersonBody"]["properties"]
    assert fields["first_name"]["maxLength"] == NAME_LENGTH
    assert fields["email"]["maxLength"] == EMAIL_LENGTH
    for (method, path), operation in operations(openapi).items():
        if path not in {"/user", "/user/{user_id}", "/api/v1/users", "/api/v1/users/{user_id}"}:
            continue
        if method in {"POST", "PUT", "PATCH"}:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            body = "PersonPatch" if method == "PATCH" else "PersonBody"
            assert schema == {"$ref": f"#/components/schemas/{body}"}, path


async def test_refusals_are_described_as_problems(openapi: dict[str, Any]) -> None:
    responses = operations(openapi)["POST", "/user"]["responses"]
    assert set(responses) == {"201", *REFUSED}
    for status, response in responses.items():
        if status != "201":
            examples = response["content"]["application/problem+json"]["examples"].values()
            assert {example["value"]["status"] for example in examples} == {int(status)}
            assert len({example["value"]["type"] for example in examples}) == len(examples)


async def test_every_type_of_problem_is_explained_where_it_points(
    client: httpx.AsyncClient,
) -> None:
    for kind in PROBLEM_KINDS.values():
        reply = await client.get(kind.type)
        assert reply.json() == {
            "type": kind.type,
            "title": kind.title,
            "status": kind.status,
            "detail": kind.detail,
        }
    assert (await client.get("/problems/nothing")).status_code == 404


async def test_the_page_takes_everything_from_here(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src" not in page.headers["content-security-policy"]
    assert not re.search(r"<script(?! src=\"/)", page.text)
    addresses = re.findall(r"<(?:script|link)[^>]*(?:src|href)=\"([^\"]*)\"", page.text)
    assert len(addresses) == 5
    for address in addresses:
        assert address.startswith(("/docs/assets/", "data:"))
        if address.startswith("/"):
            reply = await client.get(address)
            assert reply.status_code == 200
            assert len(reply.content) > 100
            assert reply.headers["content-type"].startswith(("text/css", "text/javascript"))


@pytest.mark.parametrize("path", ["/docs/nothing", "/docs/nothing.json", "/docs/assets/nothing"])
async def test_what_is_not_there_is_a_problem_as_everywhere(
    client: httpx.AsyncClient, path: str
) -> None:
    reply = await client.get(path)
    assert reply.status_code == 404
    assert reply.json()["type"] == "/problems/no-such-path"
