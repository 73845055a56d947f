"""Read what is set for one message type alone, such as HEYDAY_BIRTHDAY_SEND_TIME=08:30."""

from typing import Any

from pydantic_settings import BaseSettings, SettingsConfigDict

from heyday.domain.delivery import AmbiguityPolicy
from heyday.domain.policies import GapPolicy, OverlapPolicy, SkipPolicy
from heyday.settings.problems import refuse_what_is_wrong
from heyday.settings.values import Duration, SendTime, Spread


class TypePolicies(BaseSettings):
    """Hold what is set for one message type alone, such as HEYDAY_BIRTHDAY_SEND_TIME=08:30.

    None: as for all types.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", frozen=True, extra="ignore"
    )

    send_time: SendTime | None = None
    spread: Spread | None = None
    leap_day: SkipPolicy | None = None
    missing_date: SkipPolicy | None = None
    gap: GapPolicy | None = None
    overlap: OverlapPolicy | None = None
    late_join: bool | None = None
    late_window: Duration | None = None
    same_occasion: Duration | None = None
    ambiguous: AmbiguityPolicy | None = None


def prefix_of(message_type: str) -> str:
    """Return how settings for one message type alone begin."""
    return f"HEYDAY_{message_type}_"


def load_own_policies(message_type: str) -> dict[str, Any]:
    """Return what is set for one message type alone, by field. Raises ConfigurationError."""
    source = own_source(message_type)
    refuse_what_is_wrong([source])
    return source().model_dump(exclude_none=True)


def own_source(message_type: str) -> type[TypePolicies]:
    """Return where they are read from."""

    class Own(TypePolicies):
        model_config = SettingsConfigDict(env_prefix=prefix_of(message_type))

    return Own
