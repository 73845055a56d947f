"""What is no CSV file is known by how it begins, and so are the letters of one that is."""

import zipfile
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.readings import Encoding
from heyday.services.file_kinds import EncodingWatch, as_utf_8, find_foreign_kind, find_utf_16

HEADER = "first_name;last_name\nJürgen;Groß\n"


def zipped(*names: str) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, "x" * 100)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("beginning", "told"),
    [
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "Excel workbook"),
        (zipped("mimetypeapplication/vnd.oasis.opendocument.spreadsheet"), "spreadsheet"),
        (zipped("people.csv"), "packed"),
        (b"\x1f\x8b\x08" + bytes(20), "packed"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "picture"),
        (b'\xef\xbb\xbf\n {"people": []}', "JSON"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"a,b\n\0\0\0\0\n", "NUL"),
    ],
)
def test_what_is_no_csv_file_is_named(beginning: bytes, told: str):
    assert told in str(find_foreign_kind(beginning))


@pytest.mark.parametrize(
    "beginning",
    [b"", b"a", HEADER.encode(), HEADER.encode("utf-8-sig"), HEADER.encode("cp1252"),
     HEADER.encode("utf-16"), HEADER.encode("utf-16-le"), HEADER.encode("utf-16-be")],
)  # fmt: skip
def test_texts_are_let_through(beginning: bytes):
    assert find_foreign_kind(beginning) is None


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_utf_16_becomes_utf_8_however_it_is_cut(codec: str, mark: str, size: int):
    text = HEADER + "さくら 🎉\n"
    content = (mark + text).encode(codec)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(content), size):
            yield content[at : at + size]

    assert find_utf_16(content) == codec
    assert b"".join([piece async for piece in as_utf_8(pieces(), codec)]).decode() == text


@given(st.text(min_size=1, max_size=50))
def test_utf_8_is_never_taken_for_utf_16(text: str):
    content = text.encode("utf-8", "ignore")
    if b"\0" not in content and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        assert find_utf_16(content) is None


@pytest.mark.parametrize(
    ("parts", "encoding"),
    [
        ([b"plain"], Encoding.UTF_8),
        ([b"plain", "Groß".encode("cp1252")], Encoding.WINDOWS_1252),
        (["Groß".encode(), "Groß".encode("cp1252") * 9], Encoding.UTF_8),
        (["Groß Jürgen Zoë".encode() + b" broken \xff"], Encoding.UTF_8),
    ],
)
def test_the_first_letters_beyond_ascii_decide(parts: list[bytes], encoding: Encoding):
    watch = EncodingWatch()
    for part in parts:
        watch.look(part)
    assert watch.encoding is encoding
