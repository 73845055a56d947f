"""Batches over real sockets on loopback: the request, and what a fault means for all in it."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from heyday.domain.delivery import OutcomeKind, Trouble
from heyday.senders.calls import HttpConfig
from heyday.senders.http_batch import HttpBatchSender
from tests.fakes import MESSAGE, FakeClock
from tests.provider import Act, Provider, Received, always, mix

ACCEPTED, REFUSED = OutcomeKind.ACCEPTED, OutcomeKind.REFUSED
NOT_ACCEPTED, AMBIGUOUS = OutcomeKind.NOT_ACCEPTED, OutcomeKind.AMBIGUOUS
SHORT = timedelta(milliseconds=600)
LETTERS = [
    replace(MESSAGE, id=UUID(int=n), idempotency_key=f"key-{n}", email=f"p{n}@example.com")
    for n in range(1000)
]


@contextlib.asynccontextmanager
async def sender_for(
    url: str, within: timedelta = timedelta(seconds=10), lifetime: timedelta | None = None
) -> AsyncIterator[HttpBatchSender]:
    config = HttpConfig(url, within, key_lifetime=lifetime)
    async with HttpBatchSender(config, 1000, FakeClock()) as sender:
        yield sender


async def test_the_request_is_the_one_of_the_contract():
    seen: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        seen.extend((request.path, "Idempotency-Key" in request.headers, await request.json()))
        return web.json_response({"results": [{}, {}]})

    app = web.Application()
    app.router.add_post("/api/send-batch", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with sender_for(f"http://127.0.0.1:{runner.addresses[0][1]}/api/") as sender:
        outcomes = await sender.send_many(LETTERS[:2])
    await runner.cleanup()
    assert [outcome.kind for outcome in outcomes] == [ACCEPTED] * 2
    assert seen[:2] == ["/api/send-batch", False]
    assert seen[2] == {
        "messages": [
            {"email": f"p{n}@example.com", "message": MESSAGE.text, "idempotency_key": f"key-{n}"}
            for n in range(2)
        ]
    }


async def test_a_thousand_go_out_by_one_call():
    async with Provider() as provider, sender_for(provider.url) as sender:
        outcomes = await sender.send_many(LETTERS)
        assert provider.batches == [1000]
        assert provider.accepted.total() == 1000
    assert {outcome.kind for outcome in outcomes} == {ACCEPTED}
    assert len({outcome.provider_message_id for outcome in outcomes}) == 1000


@pytest.mark.parametrize("act", Act)
async def test_a_fault_of_the_call_is_one_of_all(act: Act):
    within = SHORT if act in {Act.HANG, Act.HANG_ACCEPTED, Act.SLOW_BODY_ACCEPTED} else 10 * SHORT
    async with Provider(always(act)) as provider, sender_for(provider.url, within) as sender:
        outcomes = await sender.send_many(LETTERS[:3])
        is_accepted = act is Act.OK or act.endswith("_accepted")
        assert provider.accepted.total() == 3 * is_accepted
    kinds = {outcome.kind for outcome in outcomes}
    assert len(outcomes) == 3
    if act is Act.OK:
        assert kinds == {ACCEPTED}
    elif act is Act.REFUSE:
        assert kinds == {REFUSED}
        assert all(outcome.is_of_batch for outcome in outcomes)
    elif act in {Act.BUSY, Act.BUSY_NOW}:
        assert kinds == {NOT_ACCEPTED}
    else:
        assert kinds == {AMBIGUOUS}
        assert {outcome.trouble for outcome in outcomes} == {Trouble.PROVIDER}


async def test_what_surely_did_not_leave_was_not_accepted():
    async with sender_for("http://127.0.0.1:9") as sender:
        outcomes = await sender.send_many(LETTERS[:3])
    assert [outcome.kind for outcome in outcomes] == [NOT_ACCEPTED] * 3


def saying(of_each: int) -> web.Response:
    item = {"success": True, "note": "x" * of_each}
    return web.Response(text=json.dumps({"results": [item] * 1000}))


@pytest.mark.parametrize(("of_each", "kind"), [(3_000, ACCEPTED), (5_000, AMBIGUOUS)])
async def test_an_answer_has_room_for_a_sentence_about_each(of_each: int, kind: OutcomeKind):
    answer = saying(of_each)
    async with (
        Provider(lambda _: answer) as provider,
        sender_for(provider.url) as sender,
    ):
        outcomes = await sender.send_many(LETTERS)
    assert {outcome.kind for outcome in outcomes} == {kind}
    if kind is AMBIGUOUS:
        assert str(outcomes[0].error).endswith("but the body is longer than 4161536 bytes")


def all_but_the_first(choice: Act, share: int) -> Any:
    def behave(request: Received) -> Act:
        number = int(request.key.removeprefix("key-"))
        return choice if number % share == share - 1 else Act.OK

    return behave


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (Act.REFUSE, REFUSED),
        (Act.BUSY_NOW, NOT_ACCEPTED),
        (Act.SUCCESS_FALSE, NOT_ACCEPTED),
        (Act.ERROR, AMBIGUOUS),
        (Act.ERROR_ACCEPTED, AMBIGUOUS),
    ],
)
async def test_some_of_a_batch_may_fail(act: Act, kind: OutcomeKind):
    async with (
        Provider(all_but_the_first(act, 3)) as provider,
        sender_for(provider.url) as sender,
    ):
        outcomes = await sender.send_many(LETTERS[:9])
    assert [outcome.kind for outcome in outcomes] == [ACCEPTED, ACCEPTED, kind] * 3
    assert not any(outcome.is_of_batch for outcome in outcomes)


@pytest.mark.parametrize("seed", range(3))
async def test_no_outcome_contradicts_the_provider_whatever_the_faults(seed: int):
    async with Provider(mix(seed, 0.3)) as provider, sender_for(provider.url) as sender:
        provider.released.set()  # so that nothing hangs
        for at in range(0, 1000, 20):
            letters = LETTERS[at : at + 20]
            outcomes = await sender.send_many(letters)
            for letter, outcome in zip(letters, outcomes, strict=True):
                accepted = provider.accepted[letter.idempotency_key]
                if outcome.kind is ACCEPTED:
                    assert accepted == 1
                elif outcome.kind is not AMBIGUOUS:
                    assert accepted == 0
