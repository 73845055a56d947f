"""A provider's door is knocked at, and nothing is sent."""

import asyncio
from datetime import timedelta

import pytest

from heyday.domain.errors import Unreachable
from heyday.senders.knocking import knock_http
from heyday.senders.resolving import ask_for_public
from tests.certificates import Certificate
from tests.rabbitmq import free_port
from tests.wire import listening

PATIENCE = timedelta(seconds=5)


async def test_a_provider_hears_nothing() -> None:
    heard = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set_result(await reader.read())
        writer.close()

    async with listening(serve) as place:
        await knock_http(f"http://{place}", PATIENCE)
        assert await heard == b""


async def test_a_certificate_that_nobody_trusts_is_told(certificate: Certificate) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with listening(serve, certificate.server()) as place:
        with pytest.raises(Unreachable, match="its certificate is not one to trust"):
            await knock_http(f"https://{place}", PATIENCE)


async def test_a_closed_port_is_told_without_the_host() -> None:
    with pytest.raises(Unreachable, match=r"^no connection to the provider \(ECONNREFUSED\)$"):
        await knock_http(f"http://user:hunter2@127.0.0.1:{free_port()}", PATIENCE)


async def test_a_webhook_leads_to_the_open_internet_alone() -> None:
    with pytest.raises(Unreachable, match="has no address that is public"):
        await knock_http(f"https://127.0.0.1:{free_port()}", PATIENCE, ask_for_public)
