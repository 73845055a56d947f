"""Batches through a provider, on a real database: each greeting is recorded by its own outcome."""

import json
from datetime import timedelta

import pytest

from heyday.domain.breaker import BreakerConfig
from heyday.services.sending import SendingConfig
from tests.contracts import postmark
from tests.contracts.scene import sender_for
from tests.contracts.stub import Act, Incoming, Stub
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock, Relay
from tests.integration.services.stages import NINE, NOON_BEFORE, people

SIZE = 4
SHORT = timedelta(milliseconds=600)


async def due(pipeline: Pipeline, clock: FakeClock, count: int) -> None:
    clock.set(NOON_BEFORE)
    await people(pipeline, count)
    clock.set(NINE)


async def rows_of(pipeline: Pipeline) -> dict[str, tuple[str, int, str | None]]:
    return {
        row["idempotency_key"]: (
            row["status"],
            row["ambiguous_count"],
            row["provider_message_id"],
        )
        for row in await pipeline.messages()
    }


@pytest.mark.parametrize("act", [Act.HANG, Act.HANG_ACCEPTED, Act.RESET_ACCEPTED])
async def test_a_call_without_an_answer_is_ambiguous_for_exactly_its_members(
    database_url: str, clock: FakeClock, act: Act
) -> None:
    def second(_: Incoming, number: int) -> Act | None:
        return act if number == 2 else None

    config = PipelineConfig(
        sending=SendingConfig(concurrency=1), breaker=BreakerConfig(failures=10_000)
    )
    async with (
        Stub(postmark.Postmark(), second) as stub,
        sender_for("postmark", stub.url, SIZE, within=SHORT, clock=clock) as sender,
        open_pipeline(database_url, clock=clock, sender=Relay(sender), config=config) as pipeline,
    ):
        await due(pipeline, clock, 3 * SIZE)
        await pipeline.send_due()
        rows = await rows_of(pipeline)
        members = [item["Metadata"]["heyday_key"] for item in _items(stub.requests[1])]
        assert len(members) == SIZE
        unclear = {key for key, (_, ambiguous, _) in rows.items() if ambiguous}
        assert unclear == set(members)
        assert {rows[key][0] for key in members} == {"RETRYING"}
        assert {row[0] for key, row in rows.items() if key not in unclear} == {"SENT"}
        # Postmark knows no keys: one repeat, which may be a second letter and is on record.
        clock.advance(timedelta(seconds=3))
        await pipeline.send_due()
        assert set(await pipeline.statuses()) == {"SENT"}
        extra = stub.accepted.total() - len(stub.accepted)
        assert extra == (0 if act is Act.HANG else SIZE)


async def test_one_in_the_middle_that_is_refused_fails_alone(
    database_url: str, clock: FakeClock
) -> None:
    contract = postmark.Postmark()
    config = PipelineConfig(sending=SendingConfig(concurrency=1))
    async with (
        Stub(contract) as stub,
        sender_for("postmark", stub.url, 10, clock=clock) as sender,
        open_pipeline(database_url, clock=clock, sender=Relay(sender), config=config) as pipeline,
    ):
        await due(pipeline, clock, 7)
        middle = await pipeline.rows("SELECT id, email FROM users ORDER BY id OFFSET 3 LIMIT 1")
        contract.codes[middle[0]["email"]] = 406
        await pipeline.send_due()
        assert len(stub.requests) == 1
        rows = await rows_of(pipeline)
    failed = [key for key, (status, *_) in rows.items() if status == "FAILED"]
    assert [key.partition(":")[0] for key in failed] == [str(middle[0]["id"])]
    sent = {key: found for key, (status, _, found) in rows.items() if status == "SENT"}
    assert set(sent) == set(stub.accepted)
    assert len(set(sent.values())) == 6
    assert all(sent.values())


def _items(incoming: Incoming) -> list[dict[str, dict[str, str]]]:
    found: list[dict[str, dict[str, str]]] = json.loads(incoming.body)
    return found
