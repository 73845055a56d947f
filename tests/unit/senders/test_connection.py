"""Answers as they come over the wire: whole, in pieces, without end, and too many."""

import asyncio
from collections.abc import Sequence

import pytest

from heyday.senders.answers import Answer
from heyday.senders.connection import Connection, NoAnswer
from tests.wire import listening, read_request

LARGEST = 100
REQUEST = b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


async def connect(address: str, kept: frozenset[bytes] = frozenset()) -> Connection:
    host, port = address.split(":")
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(LARGEST, kept), host, int(port))
    return connection


async def ask(connection: Connection) -> Answer:
    return await connection.ask(REQUEST, asyncio.get_running_loop().time() + 10)


async def answers_to(
    *answers: Sequence[bytes], kept: frozenset[bytes] = frozenset()
) -> list[Answer | str | None]:
    """Ask a server that answers with these pieces, as often as the connection is good for it."""
    got: list[Answer | str | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for pieces in answers:
            await read_request(reader)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)

    async with listening(serve) as address:
        connection = await connect(address, kept)
        for _ in answers:
            if not connection.is_usable:
                got.append(None)
                continue
            try:
                got.append(await ask(connection))
            except NoAnswer as fault:
                got.append(str(fault))
        connection.abort()
        await connection.lost
    return got


async def test_one_answer_after_another_over_one_connection() -> None:
    again = b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nslow"
    assert await answers_to([OK], [again], [OK]) == [
        Answer(200, b"{}"),
        Answer(429, b"slow", retry_after="7"),
        Answer(200, b"{}"),
    ]


async def test_headers_that_were_asked_for_go_with_their_own_answer_alone() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nX-Id: early\r\n\r\n"
    one = b"HTTP/1.1 202 Accepted\r\nX-Id: a\r\nx-other: b\r\nX-Un: c\r\nContent-Length: 0\r\n\r\n"
    late = CHUNKED + b"2\r\n{}\r\n0\r\nX-Id: late\r\n\r\n"
    kept = frozenset({b"x-id", b"x-other"})
    assert await answers_to([early + one], [early + OK], [late], kept=kept) == [
        Answer(202, b"", headers={"x-id": "a", "x-other": "b"}),
        Answer(200, b"{}"),
        Answer(200, b"{}"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        CHUNKED + b"1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n",
        CHUNKED + b"2\r\n{}\r\n0\r\nRetry-After: 7\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 103 Early Hints\r\nRetry-After: 7\r\nLink: </a>\r\n\r\n" + OK,
    ],
    ids=["length", "chunks", "trailers", "continue", "hints"],
)
async def test_an_answer_is_whole_however_it_is_cut(answer: bytes) -> None:
    letters = [answer[place : place + 1] for place in range(len(answer))]
    assert await answers_to([answer], letters, [OK]) == [Answer(200, b"{}")] * 3


@pytest.mark.parametrize("status", [204, 304])
async def test_some_answers_have_no_body(status: int) -> None:
    answer = b"HTTP/1.1 %d X\r\n\r\n" % status
    assert await answers_to([answer], [OK]) == [Answer(status, b""), Answer(200, b"{}")]


async def test_an_answer_without_length_ends_with_its_connection() -> None:
    assert await answers_to([b"HTTP/1.1 200 OK\r\n\r\n{", b"}"]) == [Answer(200, b"{}")]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"!",
        OK + OK,
        OK + b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
    ids=["close", "http10", "more", "two", "begun"],
)
async def test_a_connection_is_not_asked_again_after_such_an_answer(answer: bytes) -> None:
    assert await answers_to([answer], [OK]) == [Answer(200, b"{}"), None]


async def test_what_comes_unasked_is_no_answer_to_what_is_asked_next() -> None:
    told = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await told.wait()
        writer.write(OK)
        assert await reader.read() == b""

    async with listening(serve) as address:
        connection = await connect(address)
        assert await ask(connection) == Answer(200, b"{}")
        assert connection.is_usable
        told.set()
        await connection.lost
        assert not connection.is_usable


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nConte", "the provider hung up without an answer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "the provider hung up without an answer"),
        (
            b"HTTP/1.1 503 X\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\n{",
            Answer(503, None, "the provider's answer broke off", "7"),
        ),
        (
            CHUNKED + b"2\r\n{}\r\n",
            Answer(200, None, "the provider's answer broke off"),
        ),
    ],
)
async def test_an_answer_that_ends_too_early(answer: bytes, expected: Answer | str) -> None:
    assert await answers_to([answer]) == [expected]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"SMTP ready\r\n\r\n", "the provider's answer is not HTTP"),
        (
            b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            "the provider's answer is not HTTP",
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 500, "the body is longer than 100 bytes"),
        (
            CHUNKED + b"what\r\n",
            Answer(200, None, "the provider's answer is not HTTP"),
        ),
        (
            b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 101,
            Answer(200, None, "the body is longer than 100 bytes"),
        ),
    ],
)
async def test_after_what_is_no_answer_its_connection_is_done_with(
    answer: bytes, expected: Answer | str
) -> None:
    assert await answers_to([answer], [OK]) == [expected, None]


async def test_whoever_no_longer_waits_leaves_nothing_for_the_next() -> None:
    asked = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_request(reader)
        asked.set()
        await reader.read()

    async with listening(serve) as address:
        connection = await connect(address)
        asking = asyncio.create_task(ask(connection))
        await asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert not connection.is_usable
        await connection.lost
