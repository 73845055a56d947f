"""Settings that say when greetings leave."""

from pydantic import Field
from pydantic_settings import BaseSettings

from heyday.domain.policies import GapPolicy, OverlapPolicy, SkipPolicy, TimePolicies
from heyday.settings.values import Duration, SendTime, Spread

_TIME = TimePolicies()


class GreetingTimes(BaseSettings):
    """Hold the choices about time for all message types; one type may have its own."""

    send_time: SendTime = Field(
        default=_TIME.send_time,
        alias="SEND_TIME",
        description="When greetings leave, on the clock of each person's own zone.",
    )
    spread: Spread = Field(
        default=_TIME.spread,
        alias="HEYDAY_SPREAD",
        description="Over how long after the send time greetings leave, each at a second of its "
        "own that stays the same: 2h for between 09:00 and 11:00, up to 4h. 0: all at the send "
        "time.",
    )
    leap_day: SkipPolicy = Field(
        default=_TIME.leap_day,
        alias="HEYDAY_LEAP_DAY",
        description="When people born on 29 February are greeted in a common year: BACKWARD "
        "(28 February), FORWARD (1 March) or OMIT.",
    )
    missing_date: SkipPolicy = Field(
        default=_TIME.missing_date,
        alias="HEYDAY_MISSING_DATE",
        description="When people are greeted whose date their zone leaves out: FORWARD (the next "
        "date), BACKWARD (the one before) or OMIT.",
    )
    gap: GapPolicy = Field(
        default=_TIME.gap,
        alias="HEYDAY_GAP",
        description="When a greeting leaves whose time of day the clocks jump over: SHIFT (later "
        "by the gap) or EDGE (when they jump).",
    )
    overlap: OverlapPolicy = Field(
        default=_TIME.overlap,
        alias="HEYDAY_OVERLAP",
        description="When a greeting leaves whose time of day comes twice: FIRST or SECOND.",
    )
    late_join: bool = Field(
        default=_TIME.late_join,
        alias="HEYDAY_LATE_JOIN",
        description="Whether a person who comes after the send time is still greeted that day.",
    )
    late_window: Duration = Field(
        default=_TIME.late_window,
        alias="HEYDAY_LATE_WINDOW",
        description="How late a greeting may still leave after an outage; later, it is SKIPPED.",
    )
    same_occasion: Duration = Field(
        default=_TIME.same_occasion,
        alias="HEYDAY_SAME_OCCASION",
        description="A date that is corrected by less than this after its greeting was sent brings "
        "no second one.",
    )
