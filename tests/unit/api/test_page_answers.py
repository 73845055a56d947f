"""Who is answered with a page when something is refused, and who as a program."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, get
from litestar.datastructures import State
from litestar.response import Response

from heyday.api.page_answers import Answers
from heyday.domain.errors import FieldProblem, InvalidInput, NotFound

HTML = {"accept": "text/html,*/*;q=0.8"}


def show(  # noqa: PLR0913 - as page_answers.PageOfProblem has it
    request: Request[object, object, State],
    *,
    status: int,
    kind: str,
    detail: str,
    errors: Sequence[tuple[str, str]],
    request_id: str,
    headers: Mapping[str, str],
) -> Response[str]:
    del request, request_id
    return Response(f"{kind}|{detail}|{errors}", status_code=status, headers=headers)


@get(["/page", "/api/v1/thing"], is_page=True)
async def fail() -> None:
    """Fail as a page."""
    raise InvalidInput([FieldProblem("email", "is none"), FieldProblem("", "is too much")])


@get("/program")
async def fail_too() -> None:
    """Fail as a program."""
    raise NotFound("nobody has this id")


@pytest.fixture
def app() -> Litestar:
    handlers: Any = {Exception: Answers(show)}
    return Litestar([fail, fail_too], exception_handlers=handlers, openapi_config=None)


@pytest.fixture
async def client(app: Litestar) -> Any:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # Litestar's scope is narrower
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest.mark.parametrize("headers", [HTML, {"hx-request": "true"}])
async def test_a_browser_gets_a_page(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    reply = await client.get("/page", headers=headers)
    assert reply.status_code == 422
    assert reply.text.startswith("invalid-input|")
    assert "('email', 'is none')" in reply.text
    assert "('', 'is too much')" in reply.text


async def test_a_path_that_is_none_is_a_page_to_a_browser(client: httpx.AsyncClient) -> None:
    reply = await client.get("/nowhere", headers=HTML)
    assert (reply.status_code, reply.text.partition("|")[0]) == (404, "no-such-path")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/page", {}),
        ("/page", {"accept": "application/json"}),
        ("/program", HTML),
        ("/api/v1/nowhere", HTML),
        ("/user/nowhere", HTML),
        ("/nowhere", {}),
    ],
)
async def test_a_program_gets_a_problem_document(
    client: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    reply = await client.get(path, headers=headers)
    assert reply.headers["content-type"] == "application/problem+json"


async def test_without_pages_everybody_is_a_program() -> None:
    handlers: Any = {Exception: Answers(None)}
    app = Litestar([fail], exception_handlers=handlers, openapi_config=None)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # as above
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        reply = await client.get("/page", headers=HTML)
    assert reply.headers["content-type"] == "application/problem+json"
