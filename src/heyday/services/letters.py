"""Make letters of greetings: subject, text, HTML, and the link by which their person leaves.

Source: RFC 8058; docs/adr/0037.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import replace

from heyday.domain.delivery import Outcome
from heyday.domain.letters import Letter, LetterWriter
from heyday.domain.message_types import get_message_type
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import BatchSender
from heyday.domain.sealing import LinkSubject
from heyday.domain.text_ports import UNSUBSCRIBE_PLACE
from heyday.services.passing import PassingOn
from heyday.services.unsubscribing import LinkMaker

# Without a link, what leads to it goes with it: a line of the text, a link of the page.
_LINE = re.compile(rf"[^\n]*{UNSUBSCRIBE_PLACE}[^\n]*\n?")
_LINK = re.compile(rf"<a\b[^>]*{UNSUBSCRIBE_PLACE}[^>]*>.*?</a\s*>", re.IGNORECASE | re.DOTALL)
_SECURE = "https://"


class LinkingLetterWriter:
    """Make letters (letters.LetterWriter). links: None where nobody is to leave by one."""

    def __init__(self, links: LinkMaker | None) -> None:
        self._links = links

    def write(self, message: ClaimedMessage) -> Letter:
        """Return the letter for a greeting: the same each time it is asked."""
        url = self._make_link(message)
        return Letter(
            key=message.idempotency_key,
            to=message.email,
            subject=message.subject or get_message_type(message.message_type).subject,
            text=fill_text(message.text, url),
            html=None if message.html is None else fill_html(message.html, url),
            language=message.language,
            unsubscribe_url=url,
        )

    def _make_link(self, message: ClaimedMessage) -> str | None:
        if self._links is None:
            return None
        url = self._links.make(LinkSubject(message.user_id, message.message_type))
        # What opens somebody's choice must not travel in the clear.
        return url if url and url.startswith(_SECURE) else None


class FillingSender(PassingOn):
    """Fill in the link for a sender that hands over plain texts (ports.BatchSender)."""

    def __init__(self, sender: BatchSender, writer: LetterWriter) -> None:
        super().__init__(sender)
        self._writer = writer

    async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        """Pass them on, whole."""
        return await self.sender.send_many([self._fill(message) for message in messages])

    def _fill(self, message: ClaimedMessage) -> ClaimedMessage:
        if not any(UNSUBSCRIBE_PLACE in part for part in (message.text, message.html or "")):
            return message
        letter = self._writer.write(message)
        return replace(message, text=letter.text, html=letter.html)


def fill_text(text: str, url: str | None) -> str:
    """Put the link in its place in a text; without one, the line that tells of it goes."""
    if UNSUBSCRIBE_PLACE not in text:
        return text
    if url is None:
        return _LINE.sub("", text).rstrip()
    return text.replace(UNSUBSCRIBE_PLACE, url)


def fill_html(page: str, url: str | None) -> str:
    """Put the link in its place in a page; without one, the link that leads there goes."""
    if UNSUBSCRIBE_PLACE not in page:
        return page
    if url is None:
        return _LINK.sub("", page).replace(UNSUBSCRIBE_PLACE, "")
    return page.replace(UNSUBSCRIBE_PLACE, html.escape(url))
