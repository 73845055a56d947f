"""Refuse settings that contradict each other, each of which may be right by itself."""

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from heyday.domain.delivery import LEASE_MARGIN
from heyday.domain.errors import ConfigurationError
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.policies import TimePolicies
from heyday.settings.mail_contradictions import refuse_mail_contradictions
from heyday.settings.providers import (
    refuse_one_place_for_several,
    refuse_provider_contradictions,
)

if TYPE_CHECKING:
    from heyday.settings import Settings

# So that a heartbeat, each third of a lease, always leaves enough for one more call.
_CALLS_IN_LEASE = 2
# What came to its end may be brought back within the late window; the rest is for people to look.
_EARLIEST_SCRUB = timedelta(days=7)


def refuse_contradictions(settings: "Settings") -> None:
    """Raise ConfigurationError for the first contradiction."""
    for name in settings.sender_names:
        _refuse_of_sender(settings.through(name))
    refuse_one_place_for_several(settings)
    if settings.lease < (least := _CALLS_IN_LEASE * (settings.call_timeout + LEASE_MARGIN)):
        raise ConfigurationError(
            f"HEYDAY_LEASE={settings.lease.total_seconds():g}s is too short for calls of "
            f"HEYDAY_CALL_TIMEOUT={settings.call_timeout.total_seconds():g}s; expected at least "
            f"{least.total_seconds():g}s"
        )
    if settings.pool_min > settings.pool_max:
        raise ConfigurationError("HEYDAY_POOL_MIN may not be greater than HEYDAY_POOL_MAX")
    _refuse_early_scrubbing(settings)
    for message_type in MESSAGE_TYPES:
        _refuse_spread_past_midnight(message_type.name, settings.policies(message_type.name))


def _refuse_spread_past_midnight(name: str, policies: TimePolicies) -> None:
    """Raise ConfigurationError where greetings would leave on the day after."""
    sent = policies.send_time
    left = timedelta(days=1) - timedelta(hours=sent.hour, minutes=sent.minute, seconds=sent.second)
    if policies.spread > left:
        raise ConfigurationError(
            f"HEYDAY_SPREAD={policies.spread.total_seconds():g}s runs past midnight for {name} "
            f"greetings, which leave from {sent.isoformat()} on; expected at most "
            f"{left.total_seconds():g}s, or an earlier SEND_TIME"
        )


def _refuse_of_sender(settings: "Settings") -> None:
    """Raise ConfigurationError for the first contradiction in what holds for one sender."""
    if settings.sender_name == "http" and not settings.email_service_url:
        raise ConfigurationError(
            "SENDER=http needs EMAIL_SERVICE_URL, the provider that greetings are posted to"
        )
    refuse_provider_contradictions(settings)
    cap = settings.day_cap
    if cap and cap.limit and cap.warm_up and cap.warm_up.first > cap.limit:
        raise ConfigurationError(
            f"HEYDAY_WARM_UP begins with {cap.warm_up.first} greetings a day, which is more than "
            f"HEYDAY_DAILY_CAP={cap.limit}; expected fewer, or leave one of the two empty"
        )
    refuse_mail_contradictions(settings)


def _refuse_early_scrubbing(settings: "Settings") -> None:
    """Raise ConfigurationError where a text might be emptied that may still be sent."""
    late = max(settings.policies(t.name).late_window for t in MESSAGE_TYPES)
    least = math.ceil((late + _EARLIEST_SCRUB) / timedelta(days=1))
    if 0 < settings.scrub_texts_after < least:
        raise ConfigurationError(
            f"HEYDAY_SCRUB_TEXTS_AFTER={settings.scrub_texts_after} is too soon: a greeting may "
            f"still leave; expected 0, or at least {least} days (the late window and 7 days)"
        )
