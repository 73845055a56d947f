"""What proves that a form comes from a page of the session, and how it is read ahead."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from heyday.api.form_proof import prove
from heyday.api.problems import Forged
from heyday.domain.sessions import NONCE_BYTES, TOKEN_BYTES, form_csrf, form_token

TOKEN, OTHER = form_token(b"a" * TOKEN_BYTES), form_token(b"b" * TOKEN_BYTES)
PROOF = form_csrf(TOKEN, b"n" * NONCE_BYTES)
WRONG = form_csrf(OTHER, b"n" * NONCE_BYTES)
HERE = {"host": "localhost:8000", "sec-fetch-site": "same-origin"}
BOUNDARY = "----b"


def multipart(*fields: tuple[str, str]) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields
    ]
    return ("".join(parts) + f"--{BOUNDARY}--\r\n").encode()


class Wire:
    """A request that comes in pieces. read: how many of them were taken from it."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces
        self.read = 0

    async def receive(self) -> Any:
        piece = self.pieces[self.read]
        self.read += 1
        return {"type": "http.request", "body": piece, "more_body": self.read < len(self.pieces)}


async def body_after(
    pieces: Sequence[bytes], headers: dict[str, str] | None = None
) -> tuple[bytes, Wire]:
    """Return the body as the page reads it once it is proven."""
    wire = Wire(pieces)
    pairs = [(k.encode(), v.encode()) for k, v in {**HERE, **(headers or {})}.items()]
    receive = await prove(cast("Any", {"headers": pairs}), wire.receive, TOKEN)
    body, more = b"", True
    while more:
        message = cast("Any", await receive())
        body, more = body + message["body"], message["more_body"]
    return body, wire


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize(
    "body",
    [
        f"csrf_token={PROOF}".encode(),
        f"csrf_token={PROOF}&name=Ada".encode(),
        f"name=Ada&csrf_token={PROOF}".encode(),
        f"x_csrf_token={WRONG}&csrf_token={PROOF}".encode(),
        multipart(("csrf_token", PROOF), ("file", "a,b\r\n1,2")),
    ],
)
async def test_a_form_with_its_proof_is_read_whole(body: bytes, size: int) -> None:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    assert (await body_after(pieces))[0] == body


async def test_a_script_sends_it_as_a_header_and_nothing_is_read_ahead() -> None:
    wire = Wire([b"anything"])
    headers = [(b"host", b"localhost:8000"), (b"x-csrf-token", PROOF.encode())]
    await prove(cast("Any", {"headers": headers}), wire.receive, TOKEN)
    assert wire.read == 0


async def test_a_file_is_not_read_before_the_form_is_proven() -> None:
    head = multipart(("csrf_token", PROOF)).removesuffix(b"--\r\n")
    wire = Wire([head, b"x" * 1_000_000, b"x" * 1_000_000])
    headers = [(name.encode(), value.encode()) for name, value in HERE.items()]
    await prove(cast("Any", {"headers": headers}), wire.receive, TOKEN)
    assert wire.read == 1


@pytest.mark.parametrize(
    "pieces",
    [
        [b""],
        [b"name=Ada"],
        [b"csrf_token="],
        [f"csrf_token={PROOF[:-1]}".encode()],
        [f"csrf_token={PROOF}0".encode()],
        [f"csrf_token={WRONG}".encode()],
        [f"csrf_token={WRONG}&csrf_token={PROOF}".encode()],
        [f'{{"csrf_token": "{PROOF}"}}'.encode()],
        [multipart(("csrf_token", WRONG))],
        [b"x" * 70_000, f"&csrf_token={PROOF}".encode()],
    ],
)
async def test_a_form_without_its_proof_is_forged(pieces: Sequence[bytes]) -> None:
    with pytest.raises(Forged):
        await body_after(pieces)


async def test_no_more_is_read_of_a_form_that_does_not_begin_with_it() -> None:
    wire = Wire([b"x" * 30_000] * 100)
    headers = [(name.encode(), value.encode()) for name, value in HERE.items()]
    with pytest.raises(Forged):
        await prove(cast("Any", {"headers": headers}), wire.receive, TOKEN)
    assert wire.read == 3


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"x-csrf-token": WRONG},
        {"x-csrf-token": ""},
    ],
)
async def test_a_proof_is_not_enough_from_elsewhere_and_a_wrong_one_never(
    headers: dict[str, str],
) -> None:
    with pytest.raises(Forged):
        await body_after([f"csrf_token={PROOF}".encode()], headers)


async def test_a_caller_who_hangs_up_has_proven_nothing() -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    headers = [(name.encode(), value.encode()) for name, value in HERE.items()]
    with pytest.raises(Forged):
        await prove(cast("Any", {"headers": headers}), receive, TOKEN)
