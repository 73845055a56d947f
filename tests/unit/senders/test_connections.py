"""How connections are opened, kept and closed, over real sockets on loopback."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from heyday.senders import connections as module
from heyday.senders.connection import Connection
from heyday.senders.connections import Connections
from heyday.senders.place import Place
from tests.servers import missing
from tests.wire import listening, read_request

LARGEST = 100
REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await read_request(reader)
        writer.write(OK)


@asynccontextmanager
async def connecting(url: str) -> AsyncIterator[Connections]:
    connections = Connections(Place(url), LARGEST)
    try:
        yield connections
    finally:
        await connections.close()


async def ask(connection: Connection) -> int:
    answer = await connection.ask(REQUEST, asyncio.get_running_loop().time() + 10)
    return answer.status


async def test_the_last_one_back_is_the_next_out() -> None:
    async with listening(answer_all) as address, connecting(f"http://{address}") as connections:
        assert connections.take() is None
        one, other = await connections.open(), await connections.open()
        assert await ask(one) == await ask(other) == 200
        connections.give_back(one)
        connections.give_back(other)
        assert (connections.take(), connections.take(), connections.take()) == (other, one, None)
        assert len(connections) == 2


async def test_what_is_closed_by_the_server_is_not_lent() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write_eof()

    async with listening(hang_up) as address, connecting(f"http://{address}") as connections:
        connection = await connections.open()
        connections.give_back(connection)
        await connection.lost
        assert connections.take() is None
        assert len(connections) == 0


async def test_who_waited_for_too_long_is_closed_and_not_lent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_KEEP_ALIVE", 0.0)
    async with listening(answer_all) as address, connecting(f"http://{address}") as connections:
        one, other = await connections.open(), await connections.open()
        connections.give_back(one)
        assert connections.take() is None
        await one.lost
        connections.give_back(other)
        await other.lost  # by itself
        assert len(connections) == 0


async def test_who_was_back_later_stays_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEEP_ALIVE", 0.2)
    async with listening(answer_all) as address, connecting(f"http://{address}") as connections:
        one, other = await connections.open(), await connections.open()
        connections.give_back(one)
        one.idle_since -= 0.1
        connections.give_back(other)
        other.idle_since += 0.1
        async with asyncio.timeout(10):
            await one.lost
            assert connections.take() is other
            connections.give_back(other)
            await other.lost


async def test_closing_ends_what_is_lent_and_what_waits() -> None:
    async with listening(answer_all) as address:
        connections = Connections(Place(f"http://{address}"), LARGEST)
        lent, waiting = await connections.open(), await connections.open()
        connections.give_back(waiting)
        await connections.close()
        assert not lent.is_usable
        assert len(connections) == 0


async def test_a_name_is_looked_up_once_for_many_and_again_after_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, looked_up = asyncio.get_running_loop(), 0
    ask_system = loop.getaddrinfo

    async def getaddrinfo(*names: object, **hints: object) -> object:
        nonlocal looked_up
        looked_up += 1
        return await ask_system(*names, **hints)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    async with listening(answer_all) as address:
        url = f"http://localhost:{address.partition(':')[2]}"
        connections = Connections(Place(url), LARGEST)
        for connection in await asyncio.gather(*(connections.open() for _ in range(5))):
            connection.abort()
        assert looked_up == 1
    for _ in range(2):
        with pytest.raises(OSError, match=r"(?i)connect"):
            await connections.open()
    assert looked_up == 2
    await connections.close()


async def test_an_address_that_refuses_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(answer_all) as address:
        port = int(address.partition(":")[2])

        async def getaddrinfo(*_: object, **__: object) -> object:
            tcp = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*tcp, ("127.0.0.2", port)), (*tcp, ("127.0.0.1", port))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        async with connecting(f"http://mail.example.com:{port}") as connections:
            assert await ask(await connections.open()) == 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost and its key, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    whole = folder / "localhost.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext"
    files = f"subjectAltName=DNS:localhost -keyout {folder}/key.pem -out {folder}/cert.pem"
    try:
        subprocess.run([*command.split(), *files.split()], check=True, capture_output=True)
    except FileNotFoundError:
        missing("openssl", "apt install openssl")
    whole.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return whole


@asynccontextmanager
async def listening_by_tls(certificate: Path) -> AsyncIterator[int]:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    async with listening(answer_all, tls) as address:
        yield int(address.partition(":")[2])


async def test_tls_with_a_certificate_that_is_trusted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with (
        listening_by_tls(certificate) as port,
        connecting(f"https://localhost:{port}") as connections,
    ):
        connection = await connections.open()
        assert await ask(connection) == 200
        assert await ask(connection) == 200


@pytest.mark.parametrize("is_known", [True, False], ids=["another name", "unknown issuer"])
async def test_no_connection_to_whom_a_certificate_does_not_speak_for(
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_known: bool,  # noqa: FBT001 - a case
) -> None:
    if is_known:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    name = "127.0.0.1" if is_known else "localhost"
    async with (
        listening_by_tls(certificate) as port,
        connecting(f"https://{name}:{port}") as connections,
    ):
        with pytest.raises(ssl.SSLCertVerificationError):
            await connections.open()
        assert len(connections) == 0
