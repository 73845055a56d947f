"""Fetching from SNS: over TLS that is checked, not too often, not too much."""

import asyncio
import socket
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from heyday.domain.errors import SourceUnavailable
from heyday.webhooks.amazon import Certificates, fetch
from tests.webhooks import AT, Amazon, certificate, rsa_key

URL = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-{:032x}.pem"


async def test_whoever_makes_up_certificates_has_us_ask_for_few() -> None:
    amazon = Amazon()
    certificates = Certificates(amazon.fetch)
    for number in range(10):
        await certificates.key_at(URL.format(number), AT)
    with pytest.raises(SourceUnavailable, match="too many"):
        await certificates.key_at(URL.format(10), AT)
    await certificates.key_at(URL.format(0), AT)
    assert len(amazon.asked) == 10
    await certificates.key_at(URL.format(10), AT + timedelta(minutes=1))
    assert len(amazon.asked) == 11


async def test_no_more_are_kept_than_could_be_in_use() -> None:
    amazon = Amazon()
    certificates = Certificates(amazon.fetch)
    for number in range(40):
        await certificates.key_at(URL.format(number), AT + number * timedelta(minutes=1))
    await certificates.key_at(URL.format(39), AT + timedelta(minutes=40))
    await certificates.key_at(URL.format(0), AT + timedelta(minutes=41))
    assert amazon.asked[39:] == [URL.format(39), URL.format(0)]


async def test_a_server_whose_certificate_nobody_vouches_for_is_not_listened_to(
    tmp_path: Path,
) -> None:
    own = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "own.pem").write_bytes(certificate() + own)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "own.pem")
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(SourceUnavailable, match="SSLCertVerificationError"):
            await fetch(f"https://127.0.0.1:{port}/x.pem")
    assert heard == []


async def test_nobody_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SourceUnavailable):
        await fetch(f"https://127.0.0.1:{port}/x.pem")
