"""Serve API keys at /api/v1/keys, to those who may do everything."""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from heyday.api.bodies import ObjectBody
from heyday.api.compression import UNCOMPRESSED
from heyday.api.key_shapes import Key, KeyBody, KeyList, MadeKey
from heyday.api.refusals import BODY, refusals
from heyday.domain.access import ApiKey, Scope
from heyday.domain.errors import UnknownKey
from heyday.services.keys import KeyService

KEYS = "/api/v1/keys"
HOLDS_SECRET = "holds_secret"  # noqa: S105 - the name of an option
"""A route's option: its reply is for the caller alone, and nobody may store it."""


class KeyRoutes:
    """Bind the routes of keys to the service."""

    def __init__(self, keys: KeyService) -> None:
        self._keys = keys

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        options: dict[str, Any] = {"tags": ["Keys"], "scope": Scope.ADMIN}
        return [
            get(KEYS, summary="List keys", responses=refusals(), **options)(self.list_keys),
            post(
                KEYS,
                dto=ObjectBody[KeyBody],
                return_dto=None,
                summary="Make a key",
                responses=refusals(*BODY),
                opt={UNCOMPRESSED: True, HOLDS_SECRET: True},
                **options,
            )(self.create_key),
            delete(
                f"{KEYS}/{{prefix:str}}",
                summary="Revoke a key",
                responses=refusals(UnknownKey),
                **options,
            )(self.revoke_key),
        ]

    async def list_keys(self) -> KeyList:
        """List all keys, revoked and expired ones included, the oldest first."""
        return KeyList([Key(**_fields(key)) for key in await self._keys.list_all()])

    async def create_key(self, data: JSONBody[Mapping[str, object]]) -> MadeKey:
        """Make a key. Its text is in this reply and nowhere else: only a hash of it is kept."""
        made = await self._keys.create(data)
        return MadeKey(**_fields(made.key), key=made.text)

    async def revoke_key(self, prefix: FromPath[str]) -> None:
        """Revoke a key for good. This process refuses it at once, others within seconds."""
        await self._keys.revoke(prefix)


def _fields(key: ApiKey) -> dict[str, Any]:
    """Return what is shown of a key, by the names of the shape."""
    fields = {name: getattr(key, name) for name in Key.__struct_fields__}
    return fields | {"scopes": sorted(key.scopes)}
