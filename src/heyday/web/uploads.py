"""Take a file that comes from a page: as the body itself, or as a part of a form."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final
from urllib.parse import unquote

from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType

from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.web.shell import PageRequest

FILE: Final = "file"
"""The field of a form that holds the file."""

_NAME_HEADER = "x-file-name"
_PIECE = 1 << 18
# A browser hears an answer only once it has sent its file. More than this is not waited for.
_MOST_DRAINED = 64 << 20


def is_form(request: PageRequest) -> bool:
    """Tell whether a request is a form's, sent without JavaScript."""
    return request.content_type[0] == RequestEncodingType.MULTI_PART


@contextlib.asynccontextmanager
async def opened(request: PageRequest) -> AsyncGenerator[tuple[AsyncIterator[bytes], str]]:
    """Lend the file of a request piece by piece, and its name.

    The body itself is handed on as it comes. A form is on the disk first, from 1 MiB on.
    Raises InvalidInput for a form without a file.
    """
    if not is_form(request):
        pieces = request.stream()
        yield pieces, unquote(request.headers.get(_NAME_HEADER, ""))
        return
    file = (await request.form()).get(FILE)
    if not isinstance(file, UploadFile):
        raise InvalidInput([FieldProblem(FILE, "is missing: choose the file to import")])
    try:
        yield _read(file), file.filename
    finally:
        await file.close()


async def drain(pieces: AsyncIterator[bytes]) -> None:
    """Read on what nobody needs, so that the browser hears the answer."""
    left = _MOST_DRAINED
    async for piece in pieces:
        left -= len(piece)
        if left < 0:
            return


async def _read(file: UploadFile) -> AsyncGenerator[bytes]:
    while piece := await file.read(_PIECE):
        yield piece
