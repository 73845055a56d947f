"""What HEYDAY_FAILPOINTS may say, and at which arrival it acts."""

import os
import signal

import pytest

from heyday.domain.errors import ConfigurationError
from heyday.failpoints import (
    Action,
    Failpoint,
    Failpoints,
    Point,
    parse_failpoints,
    signal_self,
)


def test_points_are_read_with_their_actions_and_arrivals() -> None:
    assert parse_failpoints("claim.after_commit=kill#3, ack.before=stop,") == (
        Failpoint(Point.CLAIM_AFTER_COMMIT, Action.KILL, 3),
        Failpoint(Point.ACK_BEFORE, Action.STOP, 1),
    )
    assert parse_failpoints("") == ()


@pytest.mark.parametrize("point", Point)
@pytest.mark.parametrize("action", Action)
def test_every_point_takes_every_action(point: Point, action: Action) -> None:
    assert parse_failpoints(f"{point}={action}") == (Failpoint(point, action),)


@pytest.mark.parametrize(
    "text",
    [
        "claim=kill",
        "claim.after_commit",
        "claim.after_commit=burn",
        "claim.after_commit=kill#0",
        "claim.after_commit=kill#-1",
        "claim.after_commit=kill#two",
        "claim.after_commit=kill#",
        "ack.before=stop;claim.after_commit=kill",
    ],
)
def test_what_is_unknown_is_refused_with_all_that_is_known(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_failpoints(f"call.before=kill,{text}")
    message = str(refused.value)
    assert repr(text) in message
    assert all(name in message for name in (*Point, *Action))


def test_it_acts_at_the_arrivals_that_are_armed_and_at_no_other() -> None:
    acted: list[Action] = []
    points = Failpoints(parse_failpoints("ack.before=stop#2,ack.before=kill#4"), acted.append)
    seen = []
    for _ in range(5):
        points.reach(Point.ACK_BEFORE)
        points.reach(Point.CALL_BEFORE)
        seen.append(list(acted))
    stopped, killed = [Action.STOP], [Action.STOP, Action.KILL]
    assert seen == [[], stopped, stopped, killed, killed]


@pytest.mark.parametrize(
    ("action", "number"), [(Action.KILL, signal.SIGKILL), (Action.STOP, signal.SIGSTOP)]
)
def test_the_signal_goes_to_this_process(
    action: Action, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, signum: sent.append((pid, signum)))
    signal_self(action)
    assert sent == [(os.getpid(), number)]
