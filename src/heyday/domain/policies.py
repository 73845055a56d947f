"""Name the choices where the calendar, or the moment somebody joins, leaves room for taste.

docs/time.md explains each with an example.   Source: RFC 7529 (SKIP), RFC 5545 section 3.3.5.
"""

from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum


class SkipPolicy(StrEnum):
    """Say what becomes of a date that a year, or a zone, does not have. Names of RFC 7529."""

    BACKWARD = "BACKWARD"
    FORWARD = "FORWARD"
    OMIT = "OMIT"


class GapPolicy(StrEnum):
    """Say when a greeting leaves whose time of day the clocks jump over.

    SHIFT: later by the gap, so 02:30 becomes 03:30.   EDGE: when the clocks jump, at 03:00.
    """

    SHIFT = "SHIFT"
    EDGE = "EDGE"


class OverlapPolicy(StrEnum):
    """Say at which of its two instants a greeting leaves whose time of day comes twice."""

    FIRST = "FIRST"
    SECOND = "SECOND"


LONGEST_SPREAD = timedelta(hours=4)
"""Over how long the greetings of one zone and date may leave: the morning, and no more."""


@dataclass(frozen=True, slots=True)
class TimePolicies:
    """Hold every choice about time for one message type.

    spread: over how long after the send time greetings leave, each at a second of its own; none:
    all at the send time itself.
    leap_day: for 29 February in a common year.   missing_date: for a date that a zone left out.
    late_window: how late a greeting may still leave; later, it is SKIPPED.
    late_join: whether a person who comes, or whose date is moved, onto today after the send time
    is greeted at once.
    same_occasion: a date corrected by less than this after its greeting brings no second one.
    """

    send_time: time = time(9)
    spread: timedelta = timedelta()
    leap_day: SkipPolicy = SkipPolicy.BACKWARD
    missing_date: SkipPolicy = SkipPolicy.FORWARD
    gap: GapPolicy = GapPolicy.SHIFT
    overlap: OverlapPolicy = OverlapPolicy.FIRST
    late_window: timedelta = timedelta(hours=24)
    late_join: bool = True
    same_occasion: timedelta = timedelta(days=180)

    def __post_init__(self) -> None:
        """Refuse a send time that has chosen a zone, or the second of two equal times, itself.

        And a spread that is no number of seconds, or reaches beyond the morning.
        """
        if self.send_time.tzinfo is not None or self.send_time.fold:
            raise ValueError(
                f"a send time is a plain time of day, got {self.send_time!r}; "
                "leave tzinfo and fold out"
            )
        if not timedelta() <= self.spread <= LONGEST_SPREAD or self.spread.microseconds:
            raise ValueError(f"a spread is of whole seconds, up to 4 h, got {self.spread}")
