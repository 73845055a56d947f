"""Limits of recipients' domains: kept by all together, and nobody else is held up."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.domain_limits import DomainLimit
from heyday.domain.errors import DatabaseUnavailable
from heyday.domain.models import ClaimedMessage
from heyday.domain.pace import PacePolicy
from heyday.services.domain_limits import DomainLimitedSender, DomainQuota
from heyday.telemetry import Metrics
from tests.fakes import MESSAGE, FakeClock, RecordingSender
from tests.shares import MemoryPace

SECOND = timedelta(seconds=1)
GMAIL = DomainLimit(("gmail.com", "googlemail.com"), 5)
YAHOO = DomainLimit(("yahoo.com",), 2)


def letter(email: str) -> ClaimedMessage:
    return replace(MESSAGE, email=email, idempotency_key=str(uuid4()))


class Rig:
    """Hold the shared paces of two limits, and senders of as many processes as wanted."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.metrics = Metrics()
        slice_ = SECOND
        self.paces = {
            limit.name: MemoryPace(self.clock, PacePolicy(limit.rate, slice=slice_))
            for limit in (GMAIL, YAHOO)
        }
        self.opened: list[DomainLimitedSender] = []

    def sender(self, inner: RecordingSender) -> DomainLimitedSender:
        quotas: dict[str, DomainQuota] = {}
        for limit in (GMAIL, YAHOO):
            quota = DomainQuota(
                provider="smtp",
                limit=limit,
                pace=self.paces[limit.name].seat(),
                clock=self.clock,
                metrics=self.metrics,
            )
            quotas |= dict.fromkeys(limit.domains, quota)
        self.opened.append(DomainLimitedSender(inner, quotas))
        return self.opened[-1]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    yield rig
    for sender in rig.opened:
        await sender.close()


def sent_to(inner: RecordingSender) -> Counter[str]:
    return Counter(message.email.partition("@")[2].lower() for message in inner.sent)


def kinds(outcomes: Sequence[Outcome]) -> list[OutcomeKind]:
    return [outcome.kind for outcome in outcomes]


async def test_one_domain_holds_up_no_other(rig: Rig) -> None:
    inner = RecordingSender()
    batch = [letter(f"p{n}@gmail.com") for n in range(50)]
    batch += [letter(f"p{n}@example.org") for n in range(10)]
    batch += [letter("p@yahoo.com"), letter("p@GoogleMail.com")]
    async with asyncio.timeout(10):
        outcomes = await rig.sender(inner).send_many(batch)
    assert sent_to(inner) == {"gmail.com": 5, "example.org": 10, "yahoo.com": 1}
    assert kinds(outcomes[:5]) == [OutcomeKind.ACCEPTED] * 5, "the first of a domain leave first"
    assert set(kinds(outcomes[5:50])) == {OutcomeKind.NOT_TRIED}
    assert set(kinds(outcomes[50:61])) == {OutcomeKind.ACCEPTED}
    assert outcomes[61].kind is OutcomeKind.NOT_TRIED, "domains that share a limit share it"


async def test_outcomes_stay_with_their_greetings(rig: Rig) -> None:
    inner = RecordingSender()
    batch = [letter(f"p{n}@{('yahoo.com', 'example.org')[n % 2]}") for n in range(20)]
    refused = Outcome(OutcomeKind.REFUSED, code=550)
    inner.script(batch[19].idempotency_key, refused)
    outcomes = await rig.sender(inner).send_many(batch)
    assert outcomes[19] == refused
    assert [outcome.kind is not OutcomeKind.NOT_TRIED for outcome in outcomes] == [
        message in inner.sent for message in batch
    ]


async def test_what_is_put_off_gets_a_place_each_and_names_no_domain(rig: Rig) -> None:
    batch = [letter(f"p{n}@gmail.com") for n in range(105)]
    outcomes = await rig.sender(RecordingSender()).send_many(batch)
    leaves = [outcome.retry_after or timedelta() for outcome in outcomes[5:]]
    assert leaves == sorted(leaves)
    assert min(leaves) >= SECOND
    assert max(leaves) == pytest.approx(20 * SECOND, abs=0.1 * SECOND)
    assert not any("gmail" in (outcome.error or "") for outcome in outcomes)
    label = {"domain": "gmail.com"}
    shown = rig.metrics.registry.get_sample_value("heyday_domain_put_off_total", label)
    assert shown == 100


async def test_two_processes_keep_one_rate_by_the_clock(rig: Rig) -> None:
    inner = RecordingSender()
    senders = [rig.sender(inner), rig.sender(inner)]
    counts: list[int] = []
    for _ in range(20):
        before = len(inner.sent)
        batches = [[letter("p@gmail.com")] * 50 for _ in senders]
        await asyncio.gather(
            *(sender.send_many(batch) for sender, batch in zip(senders, batches, strict=True))
        )
        counts.append(len(inner.sent) - before)
        rig.clock.advance(SECOND)
    assert max(counts) <= 5
    assert sum(counts) >= 0.9 * 5 * 20, "the rate is used"


async def test_a_batch_refused_as_a_whole_goes_again_with_those_put_off(rig: Rig) -> None:
    inner = RecordingSender()
    batch = [letter("p@yahoo.com") for _ in range(4)]
    whole = Outcome(OutcomeKind.REFUSED, code=400, is_of_batch=True)
    inner.script(batch[0].idempotency_key, whole)
    assert await rig.sender(inner).send_many(batch) == [whole] * 4


async def test_without_an_answer_others_wait_a_second_at_the_most(rig: Rig) -> None:
    inner = RecordingSender()
    rig.paces["gmail.com"].fault = DatabaseUnavailable("away")
    batch = [letter("p@gmail.com"), letter("p@example.org")]
    sending = asyncio.create_task(rig.sender(inner).send_many(batch))
    await rig.clock.wait_for_sleepers()
    assert not sending.done()
    for _ in range(3):
        rig.clock.advance(SECOND)
        await asyncio.sleep(0)
    assert kinds(await sending) == [OutcomeKind.NOT_TRIED, OutcomeKind.ACCEPTED]


async def test_whoever_is_at_no_limited_domain_is_passed_on_as_it_is(rig: Rig) -> None:
    inner = RecordingSender(batch_size=7)
    sender = rig.sender(inner)
    batch = [letter("p@example.org"), replace(letter("p"), email="no address")]
    await sender.send_many(batch)
    sender.make_ready(3)
    assert inner.sent == batch
    assert (sender.batch_size, sender.key_lifetime, inner.expected) == (
        7,
        inner.key_lifetime,
        [3],
    )
    assert rig.paces["gmail.com"].asked == 0
