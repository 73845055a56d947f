"""Serve the texts of greetings at /api/v1/texts."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from litestar import delete, get, post, put
from litestar.connection import Request
from litestar.datastructures import ResponseHeader, State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.response import Response
from litestar.status_codes import HTTP_200_OK

from heyday.api.bodies import ObjectBody
from heyday.api.compression import UNCOMPRESSED
from heyday.api.etags import TextIfMatch, etag, expected
from heyday.api.problems import MAX_TEXT_BYTES, Forbidden
from heyday.api.refusals import BODY
from heyday.api.route_options import route
from heyday.api.text_shapes import (
    Preview,
    PreviewBody,
    ShownSource,
    TextBody,
    TextEntry,
    TextList,
)
from heyday.domain.access import Caller, Scope
from heyday.domain.errors import MessageTypeNotFound, TextChanged, TextNotFound
from heyday.services.text_preview import TextPreviewService
from heyday.services.texts import ShownText, TextService

TEXTS = "/api/v1/texts"

_ETAG = ResponseHeader(
    name="ETag",
    description='Names this state of the text; "ready" if nobody wrote one.',
    documentation_only=True,
)
_MISSING = (MessageTypeNotFound, TextNotFound)
_LARGE: dict[str, Any] = {"request_max_body_size": MAX_TEXT_BYTES}


class TextRoutes:
    """Bind the routes of texts to the services."""

    def __init__(self, texts: TextService, previews: TextPreviewService) -> None:
        self._texts = texts
        self._previews = previews

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        item, options = f"{TEXTS}/{{message_type:str}}/{{language:str}}", partial(route, "Texts")
        read, write = Scope.MESSAGES_READ, Scope.MESSAGES_WRITE
        # An ETag names bytes as sent.
        tagged: dict[str, Any] = {"response_headers": [_ETAG], "opt": {UNCOMPRESSED: True}}
        return [
            get(TEXTS, **options(read, "List texts"))(self.list_texts),
            get(item, **options(read, "Show a text", *_MISSING), **tagged)(self.get_text),
            put(
                item,
                dto=ObjectBody[TextBody],
                return_dto=None,
                takes_keys=True,
                **options(write, "Write a text", MessageTypeNotFound, TextChanged, *BODY),
                **tagged,
                **_LARGE,
            )(self.put_text),
            delete(item, **options(write, "Remove a text", *_MISSING, TextChanged))(
                self.delete_text
            ),
            post(
                f"{item}/preview",
                status_code=HTTP_200_OK,
                dto=ObjectBody[PreviewBody],
                return_dto=None,
                **options(read, "Render a text", *_MISSING, *BODY),
                **_LARGE,
            )(self.preview_text),
        ]

    async def list_texts(self) -> TextList:
        """List every text there is: yours, and those that Heyday has ready where you wrote none."""
        return TextList([TextEntry(**_head(text)) for text in await self._texts.list_all()])

    async def get_text(
        self, message_type: FromPath[str], language: FromPath[str]
    ) -> Response[ShownSource]:
        """Show a text as it is written."""
        return _reply(await self._texts.get(message_type, language))

    async def put_text(
        self,
        message_type: FromPath[str],
        language: FromPath[str],
        data: JSONBody[Mapping[str, object]],
        if_match: TextIfMatch = None,
    ) -> Response[ShownSource]:
        """Write a text in the place of what there was.

        What is planned from now on says so; greetings that are planned already, up to 48 hours
        ahead, keep what they say.
        """
        version = expected(if_match)
        return _reply(await self._texts.put(message_type, language, data, version))

    async def delete_text(
        self,
        message_type: FromPath[str],
        language: FromPath[str],
        if_match: TextIfMatch = None,
    ) -> None:
        """Remove a text of yours. Where Heyday has one ready, that is back."""
        await self._texts.delete(message_type, language, expected(if_match))

    async def preview_text(
        self,
        message_type: FromPath[str],
        language: FromPath[str],
        data: JSONBody[Mapping[str, object]],
        request: Request[Any, Any, State],
    ) -> Preview:
        """Render a text that is there, or a draft, for a person or a sample; nothing is stored.

        For a person, the key must have the scope users:read as well, as it shows their name.
        """
        caller: Caller | None = request.scope["state"].get("caller")
        allowed = {Scope.USERS_READ, Scope.ADMIN}
        if data.get("user_id") is not None and (caller is None or not allowed & caller.scopes):
            raise Forbidden(Scope.USERS_READ)
        composed = await self._previews.render(message_type, language, data)
        return Preview(composed.subject, composed.text, composed.html)


def _head(text: ShownText) -> dict[str, Any]:
    return {
        "message_type": text.message_type,
        "language": text.language,
        "is_own": text.is_own,
        "updated_at": text.updated_at,
    }


def _reply(text: ShownText) -> Response[ShownSource]:
    source = text.source
    shown = ShownSource(**_head(text), subject=source.subject, text=source.text, html=source.html)
    return Response(shown, headers=etag(text.version))
