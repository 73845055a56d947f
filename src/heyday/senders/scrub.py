"""Take the person out of a provider's answer before it is stored."""

import html
import re
from collections.abc import Sequence
from functools import cached_property
from urllib.parse import unquote

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.models import ClaimedMessage

STORED_LENGTH = 500
"""How many characters of an answer are kept."""

_GONE = "[...]"
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED_SPACE = frozenset("nrtbf")
# An error that is passed on from behind often holds JSON within JSON.
_NESTED = 3
_WORD = re.compile(r"[^\W_]+")
_AROUND_ADDRESS = r"\s\"'<>()\[\]{},:;=&?/\\"
# The look-behind starts a match at the beginning of a run only: linear on any input.
_ADDRESS = re.compile(rf"(?<![^{_AROUND_ADDRESS}])[^@{_AROUND_ADDRESS}]++@[^{_AROUND_ADDRESS}]+")


def _words(text: str) -> set[str]:
    return {word for word in set(_WORD.findall(text.casefold())) if not word.isdecimal()}


# What every greeting says tells nothing about a person.
_SAID_TO_ALL = frozenset().union(*(_words(t.text) | _words(t.text_for_one) for t in MESSAGE_TYPES))


def _unescape(answer: str) -> str:
    r"""Undo what HTML, URLs and JSON do to a text: a name must not hide in "\nAda" or "%20Ada".

    The answer is for people to read, so it need not stay well-formed.
    """

    def plain(match: re.Match[str]) -> str:
        code, letter = match.groups()
        return chr(int(code, 16)) if code else " " if letter in _ESCAPED_SPACE else letter

    for _ in range(_NESTED):
        if "\\" in answer:
            answer = _ESCAPE.sub(plain, answer)
    return html.unescape(unquote(answer)) if "%" in answer or "&" in answer else answer


class Scrubber:
    """Know what is personal in some greetings, and take it out of what was answered to them.

    Every address goes, and every word of the letters and of the people's own addresses that not
    all letters share: providers echo what they got, whole or in parts, and escaped in many ways.
    more: what else their letters hold, such as subjects, pages and links.
    """

    def __init__(self, messages: Sequence[ClaimedMessage], more: Sequence[str] = ()) -> None:
        self._addresses = [message.email for message in messages]
        letters = (f"{m.text} {m.email.partition('@')[0]}" for m in messages)
        self._personal = _words(" ".join((*letters, *more))) - _SAID_TO_ALL

    def scrub(self, answer: str) -> str:
        """Return an answer fit to be stored: one line, cut short, without the people."""
        plain = " ".join(_unescape(answer).split())
        if not plain.isprintable():
            plain = "".join(c for c in plain if c.isprintable())
        if "@" in plain:
            for address in self._odd_addresses:
                plain = re.sub(re.escape(address), _GONE, plain, flags=re.IGNORECASE)
            plain = _ADDRESS.sub(_GONE, plain)
        if self._personal.isdisjoint(_WORD.findall(plain.casefold())):
            return plain[:STORED_LENGTH]
        return _WORD.sub(self._cover, plain)[:STORED_LENGTH]

    @cached_property
    def _odd_addresses(self) -> list[str]:
        """Return the addresses that do not look like one, which are to be looked for by name."""
        return [address for address in self._addresses if not _ADDRESS.fullmatch(address)]

    def _cover(self, match: re.Match[str]) -> str:
        return _GONE if match.group().casefold() in self._personal else match.group()
