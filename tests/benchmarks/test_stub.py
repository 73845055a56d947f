"""The stub speaks HTTP well enough for any client, and loses count of nothing."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from benchmarks.stub import Log, Stub, read_log

KEY = "6f9619ff-8b86-4011-b42d-00cf4fc964ff:BIRTHDAY:2027-01-14"


def post(key: str, name: str = "Idempotency-Key") -> bytes:
    body = json.dumps({"email": "a@example.com", "message": "Hey, Ada"}).encode()
    head = f"POST /send-email HTTP/1.1\r\nHost: x\r\n{name}: {key}\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


@contextlib.asynccontextmanager
async def serving(path: Path, latency: float = 0.0) -> AsyncIterator[tuple[str, int]]:
    """Lend the address of a stub whose log is complete afterwards."""
    with path.open("ab") as file:
        log = Log(file)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Stub(log, latency), "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[:2]
        finally:
            server.close()
            log.flush()


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head, await reader.readexactly(length)


def keys(path: Path) -> list[str]:
    return [key for _, key in read_log(path)]


async def test_it_serves_a_real_client_over_one_connection(tmp_path: Path) -> None:
    path = tmp_path / "log"
    connector = aiohttp.TCPConnector(limit=1)
    async with serving(path) as (host, port), aiohttp.ClientSession(connector=connector) as client:
        ids = set()
        for number in range(3):
            headers = {"Idempotency-Key": f"key-{number}"}
            url = f"http://{host}:{port}/send-email"
            async with client.post(url, json={"message": "Hey"}, headers=headers) as response:
                body = await response.json()
                assert response.status == 200
                assert body["success"] is True
                ids.add(body["id"])
        async with client.get(f"http://{host}:{port}/count") as response:
            assert await response.json() == {"greetings": 3}
    assert len(ids) == 3
    assert keys(path) == ["key-0", "key-1", "key-2"]


async def test_a_batch_is_answered_greeting_by_greeting_in_order(tmp_path: Path) -> None:
    path = tmp_path / "log"
    sent = [{"email": "a@example.com", "message": "é", "idempotency_key": str(n)} for n in range(9)]
    async with serving(path) as (host, port), aiohttp.ClientSession() as client:
        url = f"http://{host}:{port}/send-batch"
        async with client.post(url, json={"messages": sent}) as response:
            results = (await response.json())["results"]
    assert [result["success"] for result in results] == [True] * 9
    assert len({result["id"] for result in results}) == 9
    assert keys(path) == [str(n) for n in range(9)]


@pytest.mark.parametrize("size", [1, 2, 7, 64])
async def test_requests_in_pieces_and_many_at_once_are_told_apart(tmp_path: Path, size: int):
    path = tmp_path / "log"
    wanted = [f"key-{number}" for number in range(5)]
    sent = b"".join(post(key, "IDEMPOTENCY-key") for key in wanted)
    async with serving(path) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        for start in range(0, len(sent), size):
            writer.write(sent[start : start + size])
            await writer.drain()
            await asyncio.sleep(0)
        answers = [await answer(reader) for _ in wanted]
        writer.write(post("the last") + post("of all"))
        answers += [await answer(reader) for _ in range(2)]
        writer.close()
    assert all(head.startswith(b"HTTP/1.1 200 ") for head, _ in answers)
    assert len({json.loads(body)["id"] for _, body in answers}) == 7
    assert keys(path) == [*wanted, "the last", "of all"]


async def test_answers_keep_their_order_when_they_take_a_while(tmp_path: Path) -> None:
    async with serving(tmp_path / "log", latency=0.01) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(20):
            writer.write(post(str(number)))
            await writer.drain()
            await asyncio.sleep(0)
        ids = [json.loads((await answer(reader))[1])["id"] for _ in range(20)]
        assert loop.time() - began >= 0.01
        writer.close()
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /elsewhere HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"POST /send-email HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST /send-batch HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
async def test_what_it_does_not_know_it_refuses_and_hangs_up(tmp_path: Path, sent: bytes) -> None:
    path = tmp_path / "log"
    async with serving(path) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(post("before") + sent)
        said = await reader.read()
        writer.close()
    assert said.count(b"HTTP/1.1 200 ") == 1
    assert said.count(b"HTTP/1.1 40") == 1
    assert keys(path) == ["before"]


def test_the_log_tells_when_and_which(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("ab") as file:
        log = Log(file)
        log.note(1_800_000_000.123456, KEY.encode())
        log.note(1_800_000_000.5, b"")
        assert path.read_bytes() == b""
        log.flush()
    assert list(read_log(path)) == [(1_800_000_000.123456, KEY), (1_800_000_000.5, "")]
