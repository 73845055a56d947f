"""The queue over HTTP where RabbitMQ carries batches, and while it is away."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import aio_pika
import httpx
import pytest

from heyday.clock import SystemClock
from heyday.domain.models import Batch
from heyday.domain.queue_ports import DeadLetters
from heyday.queue.bodies import encode
from heyday.queue.config import DEAD_QUEUE, QueueConfig
from heyday.queue.transport import QueueTransport
from tests.fakes import START_AT
from tests.rabbitmq import RabbitServer

QUEUE = "/api/v1/queue"
DEAD = f"{QUEUE}/dead-letters"
BATCH = Batch(uuid4(), START_AT, START_AT, START_AT, (uuid4(), uuid4()))


@pytest.fixture
async def transport(rabbit: RabbitServer) -> AsyncIterator[QueueTransport]:
    """RabbitMQ, as a process of Heyday has it."""
    transport = QueueTransport(QueueConfig([rabbit.url]), SystemClock())
    # Declares what is missing.
    assert await transport.count_waiting() == 0
    yield transport
    await transport.close()


@pytest.fixture
def dead_letters(transport: QueueTransport) -> DeadLetters:
    """What RabbitMQ has set aside."""
    return transport.dead_letters


async def set_aside(rabbit: RabbitServer) -> None:
    """Put a batch, and what is none, where RabbitMQ puts what was delivered too often."""
    async with await aio_pika.connect(rabbit.url) as connection:
        channel = await connection.channel()
        for message_id, body in ((str(BATCH.id), encode(BATCH)), ("odd", b"SECRET")):
            message = aio_pika.Message(body, message_id=message_id)
            await channel.default_exchange.publish(message, DEAD_QUEUE)


async def listed(client: httpx.AsyncClient) -> list[str]:
    return [each["id"] for each in (await client.get(DEAD)).json()["items"]]


async def test_what_rabbitmq_set_aside_is_shown_requeued_and_deleted(
    client: httpx.AsyncClient, rabbit: RabbitServer, transport: QueueTransport
) -> None:
    await set_aside(rabbit)
    told = (await client.get(QUEUE)).json()
    assert (told["transport"], told["waiting_batches"], told["workers"]) == ("rabbitmq", 0, 0)
    reply = await client.get(DEAD)
    batch, odd = reply.json()["items"]
    assert (batch["id"], batch["batch_id"]) == (str(BATCH.id), str(BATCH.id))
    assert batch["message_ids"] == [str(message_id) for message_id in BATCH.message_ids]
    assert (odd["id"], odd["reason"], odd["bytes"]) == ("odd", "its body is no batch", 6)
    assert "SECRET" not in reply.text
    reply = await client.post(f"{DEAD}/odd/requeue")
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/conflict")
    assert (await client.post(f"{DEAD}/{BATCH.id}/requeue")).status_code == 204
    assert await listed(client) == ["odd"]
    assert (await client.delete(f"{DEAD}/odd")).status_code == 204
    assert (await client.delete(f"{DEAD}/odd")).status_code == 404
    assert await listed(client) == []
    async with asyncio.timeout(20):
        delivery = await anext(transport.deliveries())
    assert delivery.batch == BATCH
    assert (await client.get(QUEUE)).json()["workers"] == 1
    await delivery.ack()


async def test_while_rabbitmq_is_away_rows_are_counted_and_dead_letters_are_not_to_be_had(
    client: httpx.AsyncClient, rabbit: RabbitServer
) -> None:
    await asyncio.to_thread(rabbit.kill)
    try:
        told = (await client.get(QUEUE)).json()
        assert (told["transport"], told["waiting_batches"], told["sending"]) == (None, None, 0)
        for reply in (
            await client.get(DEAD),
            await client.post(f"{DEAD}/x/requeue"),
            await client.delete(f"{DEAD}/x"),
        ):
            assert (reply.status_code, reply.json()["type"]) == (503, "/problems/queue-unavailable")
            assert reply.headers["retry-after"] == "5"
    finally:
        await asyncio.to_thread(rabbit.start)
