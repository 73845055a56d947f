import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from heyday.domain.delivery import DeliveryPolicy, Outcome, OutcomeKind, Trouble
from heyday.domain.retry import RetryPolicy
from heyday.domain.sender_plan import Share
from heyday.services.routes import Route, Routes
from tests.fakes import MESSAGE, RecordingSender

NOW = timedelta()
AWAY = Outcome(OutcomeKind.NOT_TRIED, error="left alone", retry_after=timedelta(seconds=60))
BOUND = replace(MESSAGE, sender="a", ambiguous_since=MESSAGE.scheduled_send_at)


class Gate:
    """Have as much room as the test says (gate_ports.Gate)."""

    def __init__(self, room: float = math.inf) -> None:
        self.now = room
        self.opened = asyncio.Event()
        self.is_stopped = False

    async def wait_until_open(self) -> None:
        await self.opened.wait()

    async def admit(self, patience: timedelta, wanted: int = 1) -> int:  # noqa: ARG002 - the port's
        return wanted

    def room(self) -> float:
        return self.now

    def note(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        return outcomes

    def stop(self) -> None:
        self.is_stopped = True
        self.opened.set()


def route(name: str, gate: Gate | None = None, tier: int = 0, batch_size: int = 1) -> Route:
    policy = DeliveryPolicy(RetryPolicy(), timedelta(hours=24))
    sender = RecordingSender(batch_size=batch_size)
    return Route(Share(name, 1, tier), sender, gate or Gate(), policy)


def test_a_greeting_leaves_through_whom_its_row_names():
    routes = Routes([a := route("a"), b := route("b")])
    assert routes.find(replace(MESSAGE, sender="a")) is a
    assert routes.find(replace(MESSAGE, sender="b")) is b


def test_what_names_somebody_who_is_gone_is_safe_nowhere():
    routes = Routes([route("b")])
    assert routes.sort([BOUND]) == ([], [BOUND])
    outcome = routes.refuse(BOUND)
    assert outcome.kind is OutcomeKind.FORGOTTEN
    assert outcome.error == "its ambiguous attempt was made through a, not in SENDER now"


def test_what_names_nobody_goes_to_the_only_one_and_among_several_nowhere():
    assert Routes([a := route("a")]).find(MESSAGE) is a
    several = Routes([route("a"), route("b")])
    assert several.find(MESSAGE) is None
    assert "not known" in str(several.refuse(MESSAGE).error)


def test_greetings_are_sorted_by_where_they_leave():
    routes = Routes([a := route("a"), b := route("b")])
    mine, theirs = replace(MESSAGE, sender="a"), replace(MESSAGE, sender="b")
    assert routes.sort([mine, theirs, mine]) == ([(a, [mine, mine]), (b, [theirs])], [])


def test_who_is_away_gets_nothing_and_who_is_on_trial_one():
    routes = Routes([route("a", Gate(1)), route("b", tier=1), route("c", Gate(0), tier=2)])
    ids = [MESSAGE.id] * 3
    assert routes.assign(ids).senders == ["a", "b", "b"]


async def test_the_first_that_opens_lets_greetings_be_claimed():
    shut, opening = Gate(), Gate()
    routes = Routes([route("a", shut), route("b", opening)])
    waiting = asyncio.create_task(routes.wait_until_open())
    await asyncio.sleep(0)
    assert not waiting.done()
    opening.opened.set()
    async with asyncio.timeout(5):
        await waiting
    assert len(asyncio.all_tasks()) == 1


async def test_stopping_lets_nobody_wait():
    gates = [Gate(), Gate()]
    routes = Routes([route("a", gates[0]), route("b", gates[1])])
    routes.stop()
    async with asyncio.timeout(5):
        await routes.wait_until_open()
    assert all(gate.is_stopped for gate in gates)


def test_another_is_well_only_if_nothing_holds_it_back():
    a, b = route("a", Gate(0)), route("b", Gate(1))
    assert not Routes([a]).is_other_well(a)
    assert not Routes([a, b]).is_other_well(a)
    assert Routes([a, b, route("c")]).is_other_well(a)
    assert not Routes([a, c := route("c")]).is_other_well(c)


def test_calls_are_made_ready_where_greetings_will_leave():
    a, b = route("a", batch_size=2), route("b", Gate(0))
    Routes([a, b]).make_ready([MESSAGE.id] * 5)
    assert isinstance(a.sender, RecordingSender)
    assert isinstance(b.sender, RecordingSender)
    assert (a.sender.expected, b.sender.expected) == ([3], [])


def test_what_was_held_by_one_that_is_away_goes_at_once_to_another():
    assert route("a", Gate(0)).let_go(MESSAGE, AWAY) == replace(AWAY, retry_after=None)


def test_what_was_held_by_the_pace_of_one_that_is_well_waits_for_it():
    assert route("a").let_go(MESSAGE, AWAY) == AWAY


@pytest.mark.parametrize(
    "outcome",
    [
        AWAY,
        Outcome(OutcomeKind.REFUSED, 401, trouble=Trouble.ACCOUNT),
        Outcome(
            OutcomeKind.NOT_ACCEPTED, 429, retry_after=timedelta(hours=1), trouble=Trouble.PACE
        ),
    ],
)
def test_what_may_have_been_taken_is_not_let_go(outcome: Outcome):
    assert route("a", Gate(0)).let_go(BOUND, outcome) is outcome
