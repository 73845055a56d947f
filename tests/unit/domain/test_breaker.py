from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from heyday.domain.breaker import Breaker, BreakerConfig, BreakerState
from heyday.domain.errors import ConfigurationError

CONFIG = BreakerConfig(failures=3)
LONGER_THAN_ANY_CALL = CONFIG.lost_after.total_seconds()
LONGEST_CALL = 30.0


def call(breaker: Breaker, now: float, *, is_failure: bool | None) -> bool:
    """Make one call if it may be made, and note how it ended; return whether it was made."""
    if not breaker.admit(now):
        return False
    breaker.note(now, is_failure=is_failure)
    return True


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(CONFIG)
    for _ in range(CONFIG.failures):
        assert call(breaker, now, is_failure=True)
    assert breaker.state is BreakerState.OPEN
    return breaker


def proven() -> Breaker:
    breaker = Breaker(CONFIG)
    assert call(breaker, 0, is_failure=False)
    return breaker


def test_it_opens_after_so_many_failures_in_a_row():
    breaker = Breaker(CONFIG)
    for failed in (True, True, False, True, True):
        assert call(breaker, 0, is_failure=failed)
    assert breaker.wait(0) == 0
    assert call(breaker, 0, is_failure=True)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.admit(4.999)
    assert breaker.wait(2) == 3


def test_what_says_nothing_about_the_provider_changes_nothing():
    breaker = Breaker(CONFIG)
    for failed in (True, None, True, None, True):
        assert call(breaker, 0, is_failure=failed)
    assert breaker.state is BreakerState.OPEN


def test_the_pause_doubles_up_to_a_minute_while_probes_fail():
    breaker, now, pauses = opened(), 0.0, []
    for _ in range(7):
        pauses.append(breaker.wait(now))
        now += pauses[-1]
        assert call(breaker, now, is_failure=True)
    assert pauses == [5, 10, 20, 40, 60, 60, 60]


def test_a_probe_that_succeeds_closes_it_and_the_next_pause_is_short_again():
    breaker = opened()
    assert call(breaker, 5, is_failure=True)
    assert call(breaker, 15, is_failure=False)
    assert breaker.state is BreakerState.CLOSED
    for _ in range(CONFIG.failures):
        assert call(breaker, 15, is_failure=True)
    assert breaker.wait(15) == 5


def test_one_probe_at_a_time():
    breaker = opened()
    assert breaker.admit(5)
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.hangs_on_answer(6)
    assert not breaker.admit(6)
    breaker.note(7, is_failure=False)
    assert breaker.admit(7)
    assert breaker.admit(7)


def test_a_probe_that_shows_nothing_is_followed_by_another():
    breaker = opened()
    assert call(breaker, 5, is_failure=None)
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.admit(5)


def test_no_probe_while_calls_from_before_are_under_way():
    breaker = proven()
    for _ in range(5):
        assert breaker.admit(0)
    for _ in range(CONFIG.failures):
        breaker.note(0, is_failure=True)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.hangs_on_answer(1)
    assert breaker.hangs_on_answer(5)
    assert not breaker.admit(5)
    breaker.note(6, is_failure=True)
    breaker.note(6, is_failure=True)
    assert breaker.admit(6), "those that failed late did not make the pause longer"


def test_a_late_success_closes_it():
    breaker = proven()
    for _ in range(4):
        assert breaker.admit(0)
    for _ in range(CONFIG.failures):
        breaker.note(0, is_failure=True)
    breaker.note(1, is_failure=False)
    assert breaker.admit(1)


def test_a_probe_of_which_nothing_is_heard_is_given_up():
    breaker = opened()
    assert breaker.admit(5)
    assert breaker.wait(6) == LONGER_THAN_ANY_CALL - 1
    assert not breaker.admit(5 + LONGER_THAN_ANY_CALL - 0.001)
    assert breaker.admit(5 + LONGER_THAN_ANY_CALL)
    assert not breaker.admit(5 + LONGER_THAN_ANY_CALL)


def test_calls_that_were_given_up_are_not_waited_for_again():
    breaker = proven()
    for _ in range(5):
        assert breaker.admit(0)
    for _ in range(CONFIG.failures):
        breaker.note(0, is_failure=True)
    probed_at = LONGER_THAN_ANY_CALL
    assert call(breaker, probed_at, is_failure=True)
    assert breaker.wait(probed_at) == 10


def test_an_answer_to_no_call_lets_no_more_through():
    breaker = Breaker(CONFIG)
    for _ in range(5):
        breaker.note(0, is_failure=None)
    assert [breaker.admit(0) for _ in range(4)] == [True] * 3 + [False]


def test_as_long_as_all_may_fail_no_more_are_under_way_than_it_takes_to_open():
    breaker = Breaker(CONFIG)
    assert [breaker.admit(0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert breaker.hangs_on_answer(0)
    breaker.note(0, is_failure=False)
    assert all(breaker.admit(0) for _ in range(100))


@pytest.mark.parametrize(
    "settings",
    [
        {"failures": 0},
        {"failures": -1},
        {"first_pause": timedelta()},
        {"first_pause": timedelta(seconds=61)},
        {"longest_pause": timedelta(seconds=-1)},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, int]):
    with pytest.raises(ConfigurationError, match="expected"):
        BreakerConfig(**settings)  # type: ignore[arg-type]


@given(
    st.integers(1, 50),
    st.lists(
        st.tuples(st.floats(-1e9, 1e9), st.sampled_from([True, False, None, "admit"])), max_size=200
    ),
)
def test_absurd_times_and_notes_without_a_call_break_nothing(
    failures: int, steps: list[tuple[float, bool | str | None]]
):
    breaker = Breaker(BreakerConfig(failures))
    for now, step in steps:
        if isinstance(step, str):
            wait = breaker.wait(now)
            assert breaker.admit(now) == (wait == 0)
        else:
            breaker.note(now, is_failure=step)
        assert breaker.wait(now) >= 0
        assert timedelta(seconds=5) <= breaker.pause <= timedelta(seconds=60)
    latest = max((now for now, _ in steps), default=0.0)
    assert breaker.admit(latest + 1000), "it never stays shut for good"


def test_a_call_with_many_attempts_is_as_many_attempts():
    breaker = Breaker(CONFIG)
    assert breaker.admit(0, 1000) == CONFIG.failures, "a wrong key may hit all of them"
    assert breaker.room(0) == 0
    breaker.note(0, is_failure=False, attempts=CONFIG.failures)
    assert breaker.admit(0, 1000) == 1000
    assert breaker.admit(0, 500) == 500
    breaker.note(0, is_failure=True, attempts=1000)
    assert breaker.state is BreakerState.OPEN
    breaker.note(0, is_failure=None, attempts=500)
    assert breaker.room(5) == 1
    assert breaker.admit(5, 1000) == 1, "a probe is one greeting"


@dataclass
class Call:
    """A call under way. is_probe: it was admitted while the breaker was not closed."""

    is_probe: bool
    began_at: float
    attempts: int


class Calls(RuleBasedStateMachine):
    """Any number of calls under way, each of which ends within its time."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(CONFIG)
        self.now = 0.0
        self.under_way: list[Call] = []
        self.failed_in_a_row = 0
        self.is_proven = False

    @rule(seconds=st.floats(0, 10))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        # All end before the breaker would give them up, as calls have a timeout.
        while self.under_way and self.now - self.under_way[0].began_at > LONGEST_CALL:
            self.end(0, is_failure=True)

    @rule(wanted=st.sampled_from([1, 2, 1000]))
    def start(self, wanted: int) -> None:
        was_closed = self.breaker.state is BreakerState.CLOSED
        room = self.breaker.room(self.now)
        assert (room > 0) == (self.breaker.wait(self.now) == 0)
        admitted = self.breaker.admit(self.now, wanted)
        assert admitted == min(room, wanted)
        if admitted:
            self.under_way.append(Call(not was_closed, self.now, admitted))

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0), is_failure=st.sampled_from([True, False, None]))
    def end(self, which: int, is_failure: bool | None) -> None:  # noqa: FBT001 - drawn by name
        attempts = self.under_way.pop(which % len(self.under_way)).attempts
        was_closed = self.breaker.state is BreakerState.CLOSED
        self.breaker.note(self.now, is_failure=is_failure, attempts=attempts)
        if is_failure is False:
            self.failed_in_a_row = 0
            self.is_proven = True
            assert self.breaker.state is BreakerState.CLOSED
        elif is_failure and was_closed:
            self.failed_in_a_row += attempts
            is_open = self.breaker.state is BreakerState.OPEN
            assert is_open == (self.failed_in_a_row >= CONFIG.failures)
            if is_open:
                self.failed_in_a_row = 0

    @invariant()
    def never_two_probes(self) -> None:
        if self.breaker.state is not BreakerState.CLOSED:
            assert sum(call.is_probe for call in self.under_way) <= 1

    @invariant()
    def a_probe_is_alone(self) -> None:
        if self.breaker.state is BreakerState.HALF_OPEN:
            assert sum(call.attempts for call in self.under_way) <= 1

    @invariant()
    def no_more_than_it_takes_may_fail_at_first(self) -> None:
        if not self.is_proven:
            assert sum(call.attempts for call in self.under_way) <= CONFIG.failures


TestCalls = Calls.TestCase
