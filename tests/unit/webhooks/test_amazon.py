"""Fetching from SNS: over TLS that is checked, not too often, not too much."""

import asyncio
import contextlib
import socket
from datetime import timedelta

import pytest

from heyday.domain.errors import SourceUnavailable
from heyday.webhooks.amazon import Certificates, fetch
from tests.webhooks import AT, Amazon

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


async def test_a_server_without_a_certificate_for_its_name_is_not_listened_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        async def hang_up() -> None:
            loop = asyncio.get_running_loop()
            listener.settimeout(0)
            peer, _ = await loop.sock_accept(listener)
            with contextlib.closing(peer):
                await loop.sock_sendall(peer, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        server = asyncio.create_task(hang_up())
        with pytest.raises(SourceUnavailable, match="does not answer"):
            await fetch(f"https://127.0.0.1:{port}/x.pem")
        await server


async def test_nobody_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SourceUnavailable):
        await fetch(f"https://127.0.0.1:{port}/x.pem")
