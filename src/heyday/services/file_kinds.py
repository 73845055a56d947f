"""Recognise, by how a file begins, what is no CSV file; and in which characters one is written."""

import codecs
from collections.abc import AsyncGenerator, AsyncIterator

from heyday.domain.readings import Encoding

_EXCEL = (
    "is an Excel workbook: open it, and save the sheet as “CSV UTF-8 (comma delimited)” under "
    "File, Save As"
)
_CALC = "is a spreadsheet: open it, and save the sheet as CSV, in UTF-8, under File, Save As"
_OLD = "is an old Office document: open it, and save the sheet as CSV UTF-8 under File, Save As"
_PACKED = "is packed: unpack it, and choose the CSV file that is in it"
_PICTURE = "is a picture; expected a CSV file, with a line for each person"
_JSON = "is JSON; expected a CSV file. /api/v1/users/bulk takes people as JSON"
_MARKUP = "is a web page or XML; expected a CSV file, with a line for each person"
_BINARY = "is no text: it holds NUL bytes; expected a CSV file"

_ZIP = b"PK\x03\x04"
_SIGNATURES = {
    b"\xd0\xcf\x11\xe0": _OLD,
    b"%PDF": "is a PDF document; expected a CSV file, with a line for each person",
    b"PK\x05\x06": _PACKED,
    b"\x1f\x8b": _PACKED,
    b"7z\xbc\xaf": _PACKED,
    b"Rar!": _PACKED,
    b"BZh": _PACKED,
    b"\xfd7zXZ": _PACKED,
    b"\x28\xb5\x2f\xfd": _PACKED,
    b"\x89PNG": _PICTURE,
    b"\xff\xd8\xff": _PICTURE,
    b"GIF8": _PICTURE,
    b"RIFF": _PICTURE,
    b"[{": _JSON,
    b'{"': _JSON,
    b"<": _MARKUP,
}
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
# So much of a file tells whether it is UTF-16 without a mark.
_LOOKED_AT = 200
_LAST_LATIN = "\xff"
_BEYOND_ASCII = bytes(range(0x80, 0x100))
_MARK = len(codecs.BOM_UTF16_LE)


def find_foreign_kind(beginning: bytes) -> str | None:
    """Say what a file is that is no CSV file, and what to do; None if it may be one."""
    if beginning.startswith(_ZIP):
        if b"opendocument" in beginning[:_LOOKED_AT]:
            return _CALC
        # A workbook names its parts in its first entries.
        is_excel = b"[Content_Types].xml" in beginning or b"xl/" in beginning
        return _EXCEL if is_excel else _PACKED
    text = beginning.removeprefix(codecs.BOM_UTF8).lstrip()
    for signature, what in _SIGNATURES.items():
        if beginning.startswith(signature) or text.startswith(signature):
            return what
    if find_utf_16(beginning) is None and b"\0" in beginning[: 1 << 16]:
        return _BINARY
    return None


def find_utf_16(beginning: bytes) -> str | None:
    """Return the codec of a file that is UTF-16, with a mark or without; None if it is not."""
    if marked := _UTF_16.get(beginning[:_MARK]):
        return marked
    for codec in _UTF_16.values():
        line = next(iter(beginning[:_LOOKED_AT].decode(codec, "ignore").splitlines()), "")
        # Two letters of anything else make a letter of some other script.
        if line and max(line) <= _LAST_LATIN and min(line) > "\0":
            return codec
    return None


async def as_utf_8(upload: AsyncIterator[bytes], codec: str) -> AsyncGenerator[bytes]:
    """Yield an upload that is UTF-16 as UTF-8. What is no character becomes U+FFFD."""
    decoder = codecs.getincrementaldecoder(codec)("replace")
    is_first = True
    async for piece in upload:
        text = decoder.decode(piece)
        if text and is_first:
            text, is_first = text.removeprefix("\ufeff"), False
        yield text.encode()
    yield decoder.decode(b"", final=True).encode()


class EncodingWatch:
    """Find out by the first letters beyond ASCII whether a file is UTF-8 or Windows-1252."""

    def __init__(self) -> None:
        self._decided: Encoding | None = None

    @property
    def encoding(self) -> Encoding:
        """Return what the file is by what has come so far; of ASCII alone, that is UTF-8."""
        return self._decided or Encoding.UTF_8

    def look(self, part: bytes) -> None:
        """Look at a part of the file: the first that is not ASCII alone decides."""
        if self._decided or part.isascii():
            return
        # Counted by decoding, which is fast, as others wait meanwhile.
        readable = len(part.decode("utf-8", "ignore"))
        broken = len(part.decode("utf-8", "surrogateescape")) - readable
        whole = readable - len(part.translate(None, _BEYOND_ASCII))
        # A few broken letters in a file of UTF-8 are the fault of their rows, not of all others.
        self._decided = Encoding.WINDOWS_1252 if broken > whole else Encoding.UTF_8
