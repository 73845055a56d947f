"""An edit and a claim of one person at once: whichever commits first wins, whatever the edit."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import UUID

import pytest

from heyday.domain.delivery import DeliveryPolicy
from heyday.domain.retry import RetryPolicy
from heyday.domain.sender_plan import Share
from heyday.services.routes import Route, Routes
from heyday.services.sending import MessageSenderService, SendingConfig
from heyday.services.users import UserService
from heyday.telemetry import Metrics
from tests.factories import MIDDLE, Pipeline, gate_of
from tests.fakes import FakeClock
from tests.integration.services.held import Held, commit_when_blocked
from tests.integration.services.stages import (
    DAY,
    NINE,
    NOON_BEFORE,
    SECOND,
    TimedSender,
    live_on,
    people,
)

Edit = Callable[[UserService, UUID], Awaitable[object]]


def patch(**fields: object) -> Edit:
    return lambda users, user_id: users.patch(user_id, fields)


EDITS: Mapping[str, Edit] = {
    "west": patch(timezone="America/New_York"),
    "east": patch(timezone="Europe/Berlin"),
    "year": patch(birthday_date="1991-01-15"),
    "day later": patch(birthday_date="1990-01-16"),
    "in June": patch(birthday_date="1990-06-01"),
    "cleared": patch(birthday_date=None),
    "deleted": lambda users, user_id: users.delete(user_id),
    "unsubscribed": lambda users, user_id: users.unsubscribe(user_id),
}
# For each edit: when greetings were accepted, and the
# statuses at the end, by instant.
EDIT_FIRST: Mapping[str, tuple[str, str]] = {
    "west": ("15 14:00:00", "SENT"),
    "east": ("15 09:00:00", "SENT"),
    "year": ("15 09:00:00", "SENT"),
    "day later": ("16 09:00:00", "CANCELLED SENT"),
    "in June": ("", "CANCELLED"),
    "cleared": ("", "CANCELLED"),
    "deleted": ("", "CANCELLED"),
    "unsubscribed": ("", "CANCELLED"),
}
CLAIM_FIRST: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(EDITS, ("15 09:00:00", "SENT")),
    "day later": ("15 09:00:00", "SENT SKIPPED"),
}


async def queued(pipeline: Pipeline, held: Held, clock: FakeClock) -> UUID:
    """A person whose batch is due at this very instant."""
    clock.set(NOON_BEFORE)
    (user_id,) = await people(pipeline, 1)
    clock.set(NINE)
    await pipeline.minute.run_once()
    await held.planner.prepare(pipeline.database, clock.now())
    return user_id


def sending_over(
    pipeline: Pipeline, held: Held, sender: TimedSender, clock: FakeClock
) -> MessageSenderService:
    """A worker whose claim is held at its COMMIT."""
    metrics = Metrics()
    policy = DeliveryPolicy(RetryPolicy(), timedelta(hours=24))
    return MessageSenderService(
        store=held.store,
        routes=Routes(
            [Route(Share("test"), sender, gate_of(pipeline.database, clock, metrics), policy)]
        ),
        planner=held.planner,
        clock=clock,
        metrics=metrics,
        jitter=lambda: MIDDLE,
        config=SendingConfig(),
    )


async def claim_first(
    pipeline: Pipeline, held: Held, sender: TimedSender, clock: FakeClock, edit: Awaitable[object]
) -> int:
    """Hold a claim at its COMMIT until the edit waits for it; return the calls it made."""
    deliveries = pipeline.transport.deliveries()
    delivery = await anext(deliveries)
    claiming = await held.run_up_to_commit(
        sending_over(pipeline, held, sender, clock).deliver(delivery.batch)
    )
    await commit_when_blocked(pipeline, held, claiming, edit)
    await delivery.ack()
    await deliveries.aclose()
    return claiming.result()


async def outcome(
    pipeline: Pipeline, sender: TimedSender, clock: FakeClock, user_id: UUID
) -> tuple[str, str]:
    """Live on; return when greetings were accepted, and the statuses by instant."""
    await live_on(pipeline, clock, NINE + DAY)
    return ", ".join(sender.accepted_for(user_id)), " ".join(await pipeline.statuses(user_id))


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edit_that_commits_before_the_claim_wins(
    pipeline: Pipeline, held: Held, clock: FakeClock, sender: TimedSender, edit: str
) -> None:
    user_id = await queued(pipeline, held, clock)
    editing = await held.run_up_to_commit(EDITS[edit](held.users, user_id))
    assert await commit_when_blocked(pipeline, held, editing, pipeline.deliver_all()) == 0
    assert sender.sent == []
    assert await outcome(pipeline, sender, clock, user_id) == EDIT_FIRST[edit]


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edit_that_commits_after_the_claim_lets_the_one_greeting_go(
    pipeline: Pipeline, held: Held, clock: FakeClock, sender: TimedSender, edit: str
) -> None:
    user_id = await queued(pipeline, held, clock)
    editing = EDITS[edit](pipeline.users, user_id)
    assert await claim_first(pipeline, held, sender, clock, editing) == 1
    assert await outcome(pipeline, sender, clock, user_id) == CLAIM_FIRST[edit]


# Somebody who left by SQL a moment ago, and whose row is still QUEUED.
LEFT: Mapping[str, tuple[str, Edit]] = {
    "undeleted": ("deleted_at = now()", lambda users, user_id: users.undelete(user_id)),
    "subscribed again": (
        "unsubscribed_at = now()",
        lambda users, user_id: users.resubscribe(user_id),
    ),
}


@pytest.mark.parametrize("edit", LEFT)
async def test_who_comes_back_before_the_claim_is_greeted_by_it(
    pipeline: Pipeline, held: Held, clock: FakeClock, sender: TimedSender, edit: str
) -> None:
    change, come_back = LEFT[edit]
    user_id = await queued(pipeline, held, clock)
    await pipeline.execute(f"UPDATE users SET {change}")  # noqa: S608
    editing = await held.run_up_to_commit(come_back(held.users, user_id))
    assert await commit_when_blocked(pipeline, held, editing, pipeline.deliver_all()) == 1
    assert await outcome(pipeline, sender, clock, user_id) == ("15 09:00:00", "SENT")


@pytest.mark.parametrize("edit", LEFT)
async def test_who_comes_back_after_the_claim_is_greeted_by_the_next(
    pipeline: Pipeline, held: Held, clock: FakeClock, sender: TimedSender, edit: str
) -> None:
    change, come_back = LEFT[edit]
    user_id = await queued(pipeline, held, clock)
    await pipeline.execute(f"UPDATE users SET {change}")  # noqa: S608
    coming = come_back(pipeline.users, user_id)
    assert await claim_first(pipeline, held, sender, clock, coming) == 0
    assert sender.sent == []
    clock.advance(SECOND)
    assert await outcome(pipeline, sender, clock, user_id) == ("15 09:00:01", "SENT")


async def test_two_who_bring_one_person_back_at_once_do_it_once(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender
) -> None:
    clock.set(NOON_BEFORE)
    (user_id,) = await people(pipeline, 1)
    await pipeline.users.delete(user_id)
    clock.set(NINE)
    async with asyncio.timeout(30):
        back = await asyncio.gather(*(pipeline.users.undelete(user_id) for _ in range(4)))
    assert len({user.updated_at for user in back}) == 1
    assert await outcome(pipeline, sender, clock, user_id) == ("15 09:00:00", "SENT")


def test_the_tables_hold_a_line_for_every_edit() -> None:
    assert set(EDIT_FIRST) == set(CLAIM_FIRST) == set(EDITS)
