"""Build what keeps people's privacy."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from heyday.db.connection import Database
from heyday.db.privacy import PrivacyRepository
from heyday.db.retention import RetentionRepository
from heyday.db.secrets import agree_on_secret, find_secret
from heyday.domain.ports import Clock
from heyday.domain.sealing import SECRET_BYTES, Seals
from heyday.services.jobs import JobJournal
from heyday.services.planning import Planner
from heyday.services.privacy import PrivacyService
from heyday.services.retention import RetentionConfig, RetentionService
from heyday.services.unsubscribing import LinkMaker, UnsubscribeService
from heyday.settings import Settings

_NAME = "seals"


async def load_seals(settings: Settings, database: Database) -> Seals:
    """Return the secrets that are set, and the one of the database; it is made where none is set.

    A database that had one keeps it: what was written with it is still recognised.
    """
    own = await find_secret(database, _NAME)
    if own is None and not settings.secrets:
        own = await agree_on_secret(database, _NAME, secrets.token_bytes(SECRET_BYTES))
    return Seals((*settings.secrets, own) if own else settings.secrets)


@dataclass(frozen=True)
class PrivacyParts:
    """Hold the parts; each is built when it is first asked for."""

    settings: Settings
    database: Database
    planner: Planner
    clock: Clock
    seals: Seals

    @cached_property
    def links(self) -> LinkMaker:
        """Return what makes links to unsubscribe."""
        return LinkMaker(self.seals, self.settings.public_url)

    @cached_property
    def unsubscribing(self) -> UnsubscribeService:
        """Return what follows them."""
        return UnsubscribeService(self.database, self.seals, self.planner, self.clock)

    @cached_property
    def people(self) -> PrivacyService:
        """Return what exports and erases people."""
        return PrivacyService(PrivacyRepository(self.database, self.seals), self.clock)

    @cached_property
    def retention(self) -> RetentionService:
        """Return what lets go of what is old."""
        days, months = self.settings.scrub_texts_after, self.settings.keep_messages
        return RetentionService(
            self.database,
            RetentionRepository(self.database),
            JobJournal(self.database, self.clock),
            self.clock,
            RetentionConfig(timedelta(days=days) if days else None, months),
        )
