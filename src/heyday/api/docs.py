"""Serve the description of the API: /openapi.json, the page /docs, and /problems/{name}.

Nothing comes from another host: Swagger UI's files are those that the package offapi carries.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from litestar import Router, get
from litestar.connection import Request
from litestar.datastructures import ResponseHeader, State
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import License, Tag
from litestar.params import FromPath
from litestar.response import Response
from litestar.types import Method
from litestar.types.internal_types import PathParameterDefinition

from heyday.api.access import COMPONENTS, SCOPE
from heyday.api.compression import UNCOMPRESSED
from heyday.api.problems import PROBLEM_KINDS
from heyday.api.refusals import refusals
from heyday.api.shapes import ProblemPage

_CSS, _JS = "text/css", "text/javascript"
_ASSETS: Mapping[str, tuple[str, str, str]] = {
    "swagger-ui.css": ("offapi", "swagger_style.css", _CSS),
    "swagger-ui.js": ("offapi", "swagger_bundle.js", _JS),
    "docs.css": ("heyday.api", "static/docs.css", _CSS),
    "docs.js": ("heyday.api", "static/docs.js", _JS),
}
# Swagger UI sets styles in place and draws its icons from data: URLs.
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_DESCRIPTION = """
Heyday greets every person on their day, at nine in the morning where they are: once.

Keep your people here; a change takes effect at once. Every call takes an API key, in the header
`Authorization: Bearer hd_...`; each operation names the scope that the key must have. Every refusal
is a problem document (RFC 9457): go by its `type`, which is also a path that explains it. Replies
are JSON, whatever Accept says.

Name each write with an `Idempotency-Key`: if its reply is lost, send the same again. It is done
once, and the reply is the first. Each write, and each look at a person, is noted in the audit log.
"""


_TAGS = (
    Tag(name="People", description="Whom to greet, and when."),
    Tag(name="Imports", description="Files of people, worked off in the background."),
    Tag(name="Shortcuts", description="The same at shorter paths."),
    Tag(name="Privacy", description="All that is held of a person: given out, or erased."),
    Tag(name="Messages", description="Where each greeting stands, and decisions on it."),
    Tag(name="Message types", description="Kinds of greeting, and their policies."),
    Tag(name="Texts", description="What greetings say, in each language."),
    Tag(name="Forecast", description="What will be sent when, and why."),
    Tag(name="Job runs", description="What the schedulers did."),
    Tag(name="Reconciliation", description="That nothing due is unaccounted for."),
    Tag(name="Queue", description="What is on its way, and what was set aside."),
    Tag(name="Keys", description="Who may ask what."),
    Tag(name="Audit", description="Who did what, and who looked at whom."),
    Tag(name="Health", description="How Heyday is."),
    Tag(name="Problems", description="What refusals mean."),
)


class SwaggerPage(OpenAPIRenderPlugin):
    """Render the page that shows the API."""

    def __init__(self) -> None:
        super().__init__(path="/")
        self._page = _read("heyday.api", "static/docs.html")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the page; it fetches the description itself."""
        del request, openapi_schema
        return self._page


class DocsRoutes:
    """Hold the files of /docs in memory and bind the routes."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._assets = {
            name: (_read(package, path), media_type)
            for name, (package, path, media_type) in _ASSETS.items()
        }
        self._problems = {
            kind.name: ProblemPage(kind.type, kind.title, kind.status, kind.detail)
            for kind in PROBLEM_KINDS.values()
        }

    def openapi(self) -> OpenAPIConfig:
        """Return what Litestar is to say of the API, and where."""
        router = Router(
            "/docs",
            route_handlers=[
                get("/assets/{name:str}", opt={"is_routine": True, UNCOMPRESSED: True})(
                    self.show_asset
                )
            ],
            opt={SCOPE: None},
            include_in_schema=False,
            after_request=_refuse_unknown,
            response_headers=[ResponseHeader(name="Content-Security-Policy", value=_POLICY)],
        )
        return OpenAPIConfig(
            title="Heyday",
            version=self._version,
            description=_DESCRIPTION.strip(),
            license=License(name="MIT", identifier="MIT"),
            tags=list(_TAGS),
            components=COMPONENTS,
            use_handler_docstrings=True,
            operation_id_creator=_operation_id,
            openapi_router=router,
            render_plugins=[SwaggerPage()],
        )

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers outside /docs."""
        return [
            get(
                "/openapi.json",
                media_type="application/vnd.oai.openapi+json",
                include_in_schema=False,
                scope=None,
            )(self.show_openapi),
            get(
                "/problems/{name:str}",
                tags=["Problems"],
                summary="What a problem type means",
                responses=refusals(NotFoundException),
                scope=None,
            )(self.show_problem),
        ]

    async def show_openapi(self, request: Request[Any, Any, State]) -> dict[str, Any]:
        """Show the description of the API (OpenAPI 3.1)."""
        return request.app.openapi_schema.to_schema()

    async def show_problem(self, name: FromPath[str]) -> ProblemPage:
        """Explain a kind of problem, by the last part of its `type`."""
        if name not in self._problems:
            raise NotFoundException
        return self._problems[name]

    async def show_asset(self, name: FromPath[str]) -> Response[bytes]:
        """Show one file of the page."""
        if name not in self._assets:
            raise NotFoundException
        content, media_type = self._assets[name]
        return Response(
            content, media_type=media_type, headers={"Cache-Control": "public, max-age=3600"}
        )


def _operation_id(
    handler: HTTPRouteHandler, _method: Method, path_components: list[str | PathParameterDefinition]
) -> str:
    """Name an operation after its handler and the first part of its path: stable, and unique."""
    return f"{path_components[0]}{handler.handler_name.title().replace('_', '')}"


async def _refuse_unknown(response: Response[Any]) -> Response[Any]:
    """Refuse an unknown path as everywhere else; Litestar would answer with a page of its own."""
    if response.status_code == NotFoundException.status_code:
        raise NotFoundException
    return response


def _read(package: str, path: str) -> bytes:
    return files(package).joinpath(path).read_bytes()
