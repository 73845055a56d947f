"""Hand a person all that is stored about them, or take it out.   Source: docs/adr/0028."""

from uuid import UUID

import structlog

from heyday.domain.errors import NotFound
from heyday.domain.ports import Clock
from heyday.domain.privacy_ports import Dossier, PrivacyStore

log = structlog.get_logger()


class PrivacyService:
    """Answer what people may ask of whoever stores their data. Deleted people count as well."""

    def __init__(self, store: PrivacyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def export(self, user_id: UUID) -> Dossier:
        """Return everything about a person, by table. Raises NotFound."""
        dossier = await self._store.export(user_id)
        if not dossier:
            raise _never_there()
        return dossier

    async def erase(self, user_id: UUID) -> None:
        """Take out everything about a person, for good, and greet their address no more.

        What has not left is cancelled; an attempt that is under way is not stopped. Done twice, it
        is as done once. Raises NotFound, NamedInImport.
        """
        if not await self._store.erase(user_id, self._clock.now()):
            raise _never_there()
        log.info("person_erased", user_id=str(user_id))


def _never_there() -> NotFound:
    return NotFound("there is no person with this id, and none who was deleted")
