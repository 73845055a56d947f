"""Write the header of a letter so that nothing in it can become a line of its own.

The standard library's writer is not used: on many a Python that Heyday runs on, it decodes encoded
words within names and writes what they hide (CVE-2024-6923, CVE-2026-1299), it folds the link of
List-Unsubscribe into encoded words, which no mailbox provider reads, and it takes ten times as
long. Here a text is plain printable ASCII, or Base64. Source: RFC 5322, RFC 2047; docs/adr/0037.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime

Lines = list[tuple[str, str]]
"""Fields of a header, in order: name and value, which may be folded."""

_LINE_LENGTH = 76
# An encoded word has 75 characters at the most; the first has the field's name before it.
_FIRST_WORD, _WORD = 24, 45
_PLAIN = re.compile(r"[!-~](?:[ -~]*[!-~])?", re.ASCII)
_PHRASE = re.compile(r"[A-Za-z0-9 _-]+", re.ASCII)
# Controls, ends of lines, what turns the direction of what follows, and what is no character.
_UNWANTED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ufdd0-\ufdef\ufeff\ufffe\uffff\ud800-\udfff]+"
)
_NAME = re.compile(r"[A-Za-z][A-Za-z-]*", re.ASCII)
_VALUE = re.compile(
    r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]+(?:\r\n [^\x00-\x1f\x7f-\x9f\ud800-\udfff]+)*"
)


def clean(text: str) -> str:
    """Return a text as one line: what cannot be seen, or would break it, becomes a blank."""
    return " ".join(_UNWANTED.sub(" ", text).split())


def to_words(text: str, name_length: int) -> str:
    """Return a text as the value of a field of free text, whatever it holds.

    name_length: of the field's name, which stands before it.
    """
    line = clean(text)
    is_short = name_length + len(": ") + len(line) <= _LINE_LENGTH
    if is_short and "=?" not in line and (not line or _PLAIN.fullmatch(line)):
        return line
    return "\r\n ".join(_encoded(line))


def to_mailbox(name: str, address: str) -> str:
    """Return a name and an address as From has them. Nothing in the name needs quotes."""
    line = clean(name)
    if not line:
        return address
    is_phrase = _PHRASE.fullmatch(line) and len(line) + len(address) < _LINE_LENGTH - 10
    phrase = line if is_phrase else "\r\n ".join(_encoded(line))
    return f"{phrase}{' ' if is_phrase else chr(13) + chr(10) + ' '}<{address}>"


def to_date(at: datetime) -> str:
    """Return an instant as Date has it."""
    return format_datetime(at)


def write(lines: Lines) -> str:
    """Return the fields as they are sent. Raises ValueError for what would be more than one."""
    for name, value in lines:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError(f"{name}: got control characters; expected one field")
    return "".join([f"{name}: {value}\r\n" for name, value in lines])


def _encoded(text: str) -> Iterator[str]:
    """Yield a text as encoded words, each with whole characters."""
    word, room = b"", _FIRST_WORD
    for character in text:
        encoded = character.encode("utf-8")
        if len(word) + len(encoded) > room:
            yield _word(word)
            word, room = b"", _WORD
        word += encoded
    yield _word(word)


def _word(content: bytes) -> str:
    return f"=?utf-8?B?{b64encode(content).decode('ascii')}?="
