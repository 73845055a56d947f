"""Choose the texts of a plan from the book as it is now."""

from collections.abc import Sequence

import structlog

from heyday.domain.message_types import MessageType
from heyday.domain.text_choice import Report, TextChoice, TextNeeds, choose
from heyday.domain.text_ports import BookShelf
from heyday.domain.timezone import ZoneDay

log = structlog.get_logger()


class TextChooser:
    """Ask the book for the texts that some people need."""

    def __init__(self, shelf: BookShelf) -> None:
        self._shelf = shelf

    async def look(self) -> None:
        """Have the book read anew if a few seconds have passed since."""
        await self._shelf.look()

    async def refresh(self) -> None:
        """Have the book read anew if a text has changed."""
        await self._shelf.refresh()

    def choose(
        self, message_type: MessageType, needs: TextNeeds, zone_days: Sequence[ZoneDay]
    ) -> TextChoice:
        """Return the texts of these people on these days."""
        days = {day.delivery_on for day in zone_days}
        return choose(self._shelf.book, message_type, needs, days, _reporter())


def _reporter() -> Report:
    """Return what tells once of each text that failed; it may fail for very many people."""
    told: set[tuple[str, str]] = set()

    def report(message_type: str, language: str) -> None:
        if (message_type, language) not in told:
            told.add((message_type, language))
            log.warning("text_failed", message_type=message_type, language=language)

    return report
