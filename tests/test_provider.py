"""The provider keeps a true account of what it accepted, in a test and as a process of its own."""

import asyncio
import json
import signal
import sys
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from heyday.domain.delivery import OutcomeKind
from heyday.senders.calls import HttpConfig
from heyday.senders.http import HttpSender
from tests.fakes import MESSAGE, FakeClock
from tests.provider import FAULTS, Act, Provider, Received, always, mix

ROOT = Path(__file__).parents[1]
LETTERS = [replace(MESSAGE, idempotency_key=f"key-{n}") for n in range(200)]


SECOND = timedelta(seconds=1)


def sender_for(url: str, within: timedelta = 10 * SECOND) -> HttpSender:
    return HttpSender(HttpConfig(url, within), FakeClock())


def is_quick(choice: str) -> bool:
    return choice not in {Act.HANG, Act.HANG_ACCEPTED, Act.SLOW_BODY_ACCEPTED}


@pytest.mark.parametrize("honours_keys", [True, False])
async def test_a_key_is_accepted_once_where_keys_are_honoured(honours_keys: bool):  # noqa: FBT001
    async with (
        Provider(honours_keys=honours_keys) as provider,
        sender_for(provider.url) as sender,
    ):
        ids = [(await sender.send(MESSAGE)).provider_message_id for _ in range(3)]
        assert ids == (["m-1"] * 3 if honours_keys else ["m-1", "m-2", "m-3"])
        assert provider.accepted == {MESSAGE.idempotency_key: 1 if honours_keys else 3}
        assert provider.extra == (0 if honours_keys else 2)
        assert [request.earlier for request in provider.requests] == [0, 1, 2]


@pytest.mark.parametrize("act", Act)
async def test_what_an_act_accepts_is_what_its_name_says(act: Act):
    within = 10 * SECOND if is_quick(act) else SECOND
    async with Provider(always(act)) as provider, sender_for(provider.url, within) as sender:
        await sender.send(MESSAGE)
        is_accepted = act is Act.OK or act.endswith("_accepted")
        assert provider.accepted.total() == is_accepted
        assert provider.acts == {act: 1}


def choices(seed: int, share: float) -> list[str]:
    behave = mix(seed, share)
    at = FakeClock().now()
    return [str(behave(Received(m.idempotency_key, "", "", at, 0.0, 0))) for m in LETTERS]


def test_a_mix_is_the_same_for_one_seed_and_keeps_its_share():
    assert choices(7, 0.5) == choices(7, 0.5) != choices(8, 0.5)
    assert set(choices(7, 0.0)) == {"ok"}
    assert set(choices(7, 1.0)) == {act.value for act in FAULTS}
    assert 50 < len(LETTERS) - choices(7, 0.5).count("ok") < 150


async def test_no_outcome_contradicts_the_provider_whatever_the_faults():
    async with Provider(mix(3, 0.7)) as provider, sender_for(provider.url) as sender:
        provider.released.set()  # so that nothing hangs
        outcomes = await asyncio.gather(*map(sender.send, LETTERS))
        for letter, outcome in zip(LETTERS, outcomes, strict=True):
            accepted = provider.accepted[letter.idempotency_key]
            if outcome.kind is OutcomeKind.ACCEPTED:
                assert accepted == 1
            elif outcome.kind is not OutcomeKind.AMBIGUOUS:
                assert accepted == 0
        assert len({outcome.kind for outcome in outcomes}) == 4


async def test_as_a_process_it_logs_each_request_until_it_is_stopped(tmp_path: Path):
    log = tmp_path / "sent.jsonl"
    quick = [m for m, act in zip(LETTERS, choices(7, 0.3), strict=True) if is_quick(act)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.provider", "--port", "0", "--seed", "7"),
        *("--faults", "0.3", "--log", str(log)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with sender_for(url) as sender:
        outcomes = await asyncio.gather(*map(sender.send, quick))
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert Counter(line["key"] for line in lines) == Counter(m.idempotency_key for m in quick)
    assert {line["act"] for line in lines} > {"ok"}
    accepted = {line["key"] for line in lines if line["accepted"]}
    for letter, outcome in zip(quick, outcomes, strict=True):
        if outcome.kind is OutcomeKind.ACCEPTED:
            assert letter.idempotency_key in accepted
