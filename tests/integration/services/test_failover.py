"""Several senders share the greetings; what one may have taken never goes to another."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import pytest
from aiohttp import web

from heyday.domain.breaker import BreakerConfig
from heyday.domain.sender_plan import SenderPlan, parse_plan
from heyday.failpoints import Action, Failpoint, Failpoints, Point
from heyday.senders.calls import HttpConfig
from heyday.senders.http import HttpSender
from heyday.services.one_by_one import OneByOne
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock, RecordingSender
from tests.integration.services.stages import DAY, HOUR, NINE, NOON_BEFORE, SECOND, people
from tests.provider import Act, Behaviour, Provider, always, mix

ON_ITS_WAY = {"SCHEDULED", "QUEUED", "SENDING", "RETRYING"}
WITHIN = timedelta(milliseconds=500)
BREAKER = BreakerConfig(failures=5)
# What can be known and what cannot; nothing that takes time, which stands still in a delivery.
FAULTS = (
    *(Act.SUCCESS_FALSE,) * 4,
    *(Act.REFUSE, Act.ERROR, Act.UNAVAILABLE, Act.ERROR_ACCEPTED),
    *(Act.RESET_ACCEPTED, Act.HANG_UP_ACCEPTED, Act.TRUNCATED_ACCEPTED, Act.GARBAGE_ACCEPTED),
    Act.HTML_ACCEPTED,
)


@dataclass(frozen=True, slots=True)
class Town:
    """Hold two providers, `left` and `right`, and how to reach them."""

    clock: FakeClock
    url: str
    places: Mapping[str, Provider]
    honours_keys: bool

    @contextlib.asynccontextmanager
    async def live(
        self, text: str = "left,right", failpoints: Failpoints | None = None
    ) -> AsyncIterator[Pipeline]:
        """Lend a pipeline of another process, with the senders that a plan names."""
        plan, lifetime = parse_plan(text), 24 * HOUR if self.honours_keys else None
        async with contextlib.AsyncExitStack() as stack:
            senders = {}
            for share in plan.shares:
                url = self.places[share.sender].url
                http = HttpSender(HttpConfig(url, WITHIN, key_lifetime=lifetime), self.clock)
                senders[share] = OneByOne(await stack.enter_async_context(http))
            config = PipelineConfig(breaker=BREAKER, senders=senders, failpoints=failpoints)
            opening = open_pipeline(
                self.url, clock=self.clock, sender=RecordingSender(), config=config
            )
            yield await stack.enter_async_context(opening)

    @property
    def left(self) -> Provider:
        return self.places["left"]

    @property
    def right(self) -> Provider:
        return self.places["right"]


@contextlib.asynccontextmanager
async def town(
    url: str,
    clock: FakeClock,
    left: Behaviour = always(Act.OK),  # noqa: B008 - a constant function
    right: Behaviour = always(Act.OK),  # noqa: B008 - a constant function
    *,
    honours_keys: bool = True,
) -> AsyncIterator[Town]:
    async with (
        Provider(left, honours_keys=honours_keys) as one,
        Provider(right, honours_keys=honours_keys) as other,
    ):
        yield Town(clock, url, {"left": one, "right": other}, honours_keys)


def away() -> Behaviour:
    """Refuse us, whatever it is: nothing is accepted, and the provider is to blame."""
    return lambda _: web.Response(status=401)


async def due(pipeline: Pipeline, clock: FakeClock, count: int) -> None:
    clock.set(NOON_BEFORE)
    await people(pipeline, count)
    clock.set(NINE)


async def live_on(pipeline: Pipeline, clock: FakeClock, seconds: int) -> None:
    """Let time pass second by second, with a scheduler and a worker."""
    for _ in range(seconds):
        clock.advance(SECOND)
        await pipeline.sending.resolve_expired()
        await pipeline.send_due()


async def live_until_settled(pipeline: Pipeline, clock: FakeClock, seconds: int) -> None:
    """Let time pass until nothing is on its way: no later than after so many seconds.

    What hangs on one sender waits for its breaker, whose pauses grow to a minute.
    """
    for _ in range(seconds):
        await live_on(pipeline, clock, 1)
        if not ON_ITS_WAY & set(await pipeline.statuses()):
            return
    pytest.fail(f"after {seconds} seconds there still are {set(await pipeline.statuses())}")


async def by_sender(pipeline: Pipeline) -> dict[str | None, int]:
    rows = await pipeline.rows("SELECT sender, count(*) AS n FROM message_logs GROUP BY 1")
    return {row["sender"]: row["n"] for row in rows}


def intended(plan: SenderPlan, rows: list[asyncpg.Record]) -> list[str]:
    return [plan.rank(row["id"])[0] for row in rows]


async def test_two_that_are_well_get_their_shares_and_rows_say_whose_they_were(
    database_url: str, clock: FakeClock
) -> None:
    async with town(database_url, clock) as here, here.live("left:3,right") as pipeline:
        await due(pipeline, clock, 60)
        await pipeline.send_due()
        rows = await pipeline.messages()
        assert {row["status"] for row in rows} == {"SENT"}
        assert [r["sender"] for r in rows] == intended(parse_plan("left:3,right"), rows)
        took = {row["idempotency_key"] for row in rows if row["sender"] == "left"}
        assert (set(here.left.accepted), here.left.extra, here.right.extra) == (took, 0, 0)
        count = pipeline.metrics.registry.get_sample_value
        sample = {"sender": "left", "outcome": "accepted"}
        assert count("heyday_sender_attempts_total", sample) == len(took) > 30


async def test_all_leave_through_the_other_in_time_and_shares_return(
    database_url: str, clock: FakeClock
) -> None:
    async with town(database_url, clock, left=away()) as here, here.live() as pipeline:
        await due(pipeline, clock, 60)
        await pipeline.send_due()
        await pipeline.send_due()
        rows = await pipeline.messages()
        # Who was not tried at the one that is away has not waited for a second.
        assert all(r["actual_send_time"] == NINE for r in rows if not r["retry_count"])
        assert sum(r["retry_count"] for r in rows) == BREAKER.failures
        await live_on(pipeline, clock, 3)
        rows = await pipeline.messages()
        assert {row["status"] for row in rows} == {"SENT"}
        assert max(row["actual_send_time"] for row in rows) <= NINE + 3 * SECOND
        assert (len(here.right.accepted), here.right.extra) == (60, 0)

        here.left.behave = always(Act.OK)
        for days, share in ((1, 1), (2, None)):
            await greet_again(pipeline, clock, NINE + days * DAY)
            rows = (await pipeline.messages())[-30:]
            assert {row["status"] for row in rows} == {"SENT"}
            expected = intended(parse_plan("left,right"), rows).count("left")
            # The first that comes tells whether it is back.
            assert len([r for r in rows if r["sender"] == "left"]) == (share or expected)


async def greet_again(pipeline: Pipeline, clock: FakeClock, at: datetime) -> None:
    """Greet other people on another day."""
    for _ in range(30):
        await pipeline.insert(timezone="UTC", birthday_date=f"1990-01-{at.day}")
    clock.set(at - HOUR)
    await pipeline.daily.run_once()
    clock.set(at)
    await pipeline.send_due()


async def test_what_the_first_takes_nobody_else_gets_until_it_is_away(
    database_url: str, clock: FakeClock
) -> None:
    async with town(database_url, clock) as here, here.live("left>right") as pipeline:
        await due(pipeline, clock, 10)
        await pipeline.send_due()
        assert await by_sender(pipeline) == {"left": 10}


async def test_one_greeting_alone_goes_to_the_other_at_its_next_attempt(
    database_url: str, clock: FakeClock
) -> None:
    """It would never open a breaker, and spend all its retries at the one that is away."""
    async with town(database_url, clock, left=away()) as here, here.live("left>right") as pipeline:
        await due(pipeline, clock, 1)
        await pipeline.send_due()
        assert (await pipeline.message())["status"] == "RETRYING"
        await live_on(pipeline, clock, 3)
        row = await pipeline.message()
        assert (row["status"], row["sender"], row["retry_count"]) == ("SENT", "right", 1)
        attempts = await pipeline.rows("SELECT sender, outcome FROM message_attempts ORDER BY id")
        assert [tuple(each) for each in attempts] == [
            ("left", "not_accepted"),
            ("right", "accepted"),
        ]


async def test_an_hour_that_one_provider_asks_for_is_not_spent_where_another_is_well(
    database_url: str, clock: FakeClock
) -> None:
    def busy(_: object) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "3600"})

    async with town(database_url, clock, left=busy) as here, here.live("left>right") as pipeline:
        await due(pipeline, clock, 20)
        await pipeline.send_due()
        await live_on(pipeline, clock, 4)
        assert await by_sender(pipeline) == {"right": 20}
        assert set(await pipeline.statuses()) == {"SENT"}


@pytest.mark.parametrize("honours_keys", [True, False])
@pytest.mark.parametrize("seed", range(3))
async def test_whatever_faults_both_have_nobody_is_taken_by_both(
    database_url: str, clock: FakeClock, seed: int, *, honours_keys: bool
) -> None:
    faults = (mix(seed, 0.4, FAULTS), mix(seed + 100, 0.4, FAULTS))
    async with (
        town(database_url, clock, *faults, honours_keys=honours_keys) as here,
        here.live("left:2,right") as pipeline,
    ):
        await due(pipeline, clock, 120)
        await live_until_settled(pipeline, clock, 1200)
        await check_nobody_is_taken_twice_for_nothing(pipeline, here)
        moved = "SELECT count(*) FROM (SELECT FROM message_attempts GROUP BY message_id"
        moved += " HAVING count(DISTINCT sender) > 1) AS m"
        assert await pipeline.value(moved) > 0


async def check_nobody_is_taken_twice_for_nothing(pipeline: Pipeline, here: Town) -> None:
    """Hold what both providers took against what is on record."""
    assert not set(here.left.accepted) & set(here.right.accepted)
    unclear = await pipeline.rows(
        "SELECT idempotency_key, a.sender, count(*) AS n FROM message_attempts a "
        "JOIN message_logs m ON m.id = a.message_id WHERE outcome = 'ambiguous' GROUP BY 1, 2"
    )
    known = {(row["sender"], row["idempotency_key"]): row["n"] for row in unclear}
    for name, provider in here.places.items():
        for key, times in provider.accepted.items():
            assert times <= 1 + known.get((name, key), 0)
            assert times == 1 or not here.honours_keys
    # After an attempt of which nobody can say how it ended, no other is called.
    strays = await pipeline.value(
        "SELECT count(*) FROM message_attempts a JOIN message_attempts b USING (message_id) "
        "WHERE a.outcome = 'ambiguous' AND b.id > a.id AND b.sender <> a.sender"
    )
    assert strays == 0


# --- A worker that dies in the middle of a call ------------------------------------------------


class Died(BaseException):
    """Stand for the end of the process: nothing catches it on the way."""


def die(_action: Action) -> None:
    raise Died


async def die_in_a_call(here: Town, point: Point) -> None:
    points = Failpoints([Failpoint(point, Action.KILL)], die)
    async with here.live("left>right", points) as dying:
        await due(dying, here.clock, 1)
        with pytest.raises((Died, BaseExceptionGroup)):
            await dying.send_due()


async def expire(pipeline: Pipeline) -> None:
    await pipeline.execute("UPDATE message_logs SET lease_until = now() - interval '1 s'")


@contextlib.asynccontextmanager
async def after_a_death(here: Town, point: Point, text: str) -> AsyncIterator[Pipeline]:
    """Lend a process that takes over, with the senders that it names."""
    await die_in_a_call(here, point)
    async with here.live(text) as pipeline:
        await expire(pipeline)
        yield pipeline


@pytest.mark.parametrize("point", [Point.CALL_BEFORE, Point.CALL_AFTER_ACCEPTED])
async def test_who_dies_in_a_call_has_said_through_whom_and_it_stays_there(
    database_url: str, clock: FakeClock, point: Point
) -> None:
    async with town(database_url, clock) as here:
        await die_in_a_call(here, point)
        here.left.behave = always(Act.SUCCESS_FALSE)
        async with here.live("left>right") as pipeline:
            await expire(pipeline)
            await live_on(pipeline, clock, 20)
            row = await pipeline.message()
            assert (row["sender"], row["ambiguous_count"]) == ("left", 1)
            assert not here.right.requests
            here.left.behave = always(Act.OK)
            await live_on(pipeline, clock, 60)
            row = await pipeline.message()
            assert (row["status"], row["sender"]) == ("SENT", "left")
            assert (here.left.accepted.total(), here.right.accepted.total()) == (1, 0)


async def test_it_waits_for_its_sender_while_all_others_leave_through_another(
    database_url: str, clock: FakeClock
) -> None:
    async with town(database_url, clock) as here:
        await die_in_a_call(here, Point.CALL_AFTER_ACCEPTED)
        here.left.behave = always(Act.SUCCESS_FALSE)
        async with here.live("left>right") as pipeline:
            await expire(pipeline)
            await people(pipeline, 20)
            await live_on(pipeline, clock, 10)
            assert await by_sender(pipeline) == {"left": 1, "right": 20}
            waiting = await pipeline.rows("SELECT status FROM message_logs WHERE sender = 'left'")
            assert [row["status"] for row in waiting] == ["RETRYING"]
            spent = await pipeline.value("SELECT max(retry_count) FROM message_logs")
            assert spent <= 5


async def test_if_its_sender_is_gone_a_person_decides_and_is_told_why(
    database_url: str, clock: FakeClock
) -> None:
    async with (
        town(database_url, clock) as here,
        after_a_death(here, Point.CALL_AFTER_ACCEPTED, "right") as pipeline,
    ):
        await live_on(pipeline, clock, 4)
        row = await pipeline.message()
        assert (row["status"], row["ambiguous_count"]) == ("UNKNOWN", 1)
        assert row["error_message"] == (
            "its ambiguous attempt was made through left, not in SENDER now"
        )
        assert not here.right.requests


async def test_a_person_who_has_it_sent_again_lets_it_leave_through_another(
    database_url: str, clock: FakeClock
) -> None:
    async with (
        town(database_url, clock) as here,
        after_a_death(here, Point.CALL_BEFORE, "right") as pipeline,
    ):
        await live_on(pipeline, clock, 4)
        await pipeline.execute(
            "UPDATE message_logs SET status = 'RETRYING', ambiguous_since = NULL"
        )
        await live_on(pipeline, clock, 1)
        row = await pipeline.message()
        assert (row["status"], row["sender"]) == ("SENT", "right")


async def test_of_what_was_unclear_before_senders_were_written_down_a_person_decides(
    database_url: str, clock: FakeClock
) -> None:
    async with town(database_url, clock) as here:
        await die_in_a_call(here, Point.CALL_AFTER_ACCEPTED)
        async with here.live("left,right") as pipeline:
            await pipeline.execute("UPDATE message_logs SET sender = NULL")
            await expire(pipeline)
            await live_on(pipeline, clock, 4)
            row = await pipeline.message()
            assert row["status"] == "UNKNOWN"
            assert "not known through which sender" in row["error_message"]
