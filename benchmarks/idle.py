"""Be `heyday`, but with a sender that does nothing: what is left is Heyday's own work."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from unittest.mock import patch

from heyday.bootstrap import App, open_app
from heyday.cli.app import main
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import ClaimedMessage
from heyday.services.one_by_one import OneByOne
from heyday.settings import Settings

_ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 200)


class IdleSender:
    """Accept everything at once."""

    @property
    def key_lifetime(self) -> timedelta | None:
        """Return for how long a repeated key is taken for the same message."""
        return timedelta(days=1)

    async def send(self, _: ClaimedMessage) -> Outcome:
        """Return that it was accepted."""
        return _ACCEPTED

    def make_ready(self, calls: int) -> None:
        """Do nothing."""


@contextlib.asynccontextmanager
async def open_idle_app(settings: Settings, *, is_server: bool = False) -> AsyncIterator[App]:
    """Build everything as ever, on a sender that does nothing."""
    async with open_app(settings, is_server=is_server) as app:
        senders = dict.fromkeys(app.settings.sender_plan.senders, OneByOne(IdleSender()))
        idle = App(app.settings, app.url, app.database, app.inbox, senders)
        try:
            yield idle
        finally:
            await idle.close()


if __name__ == "__main__":
    with patch("heyday.bootstrap.open_app", open_idle_app):
        main()
