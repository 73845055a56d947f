"""Read what is set for one sender alone, such as HEYDAY_SES_RATE_LIMIT=14."""

from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from heyday.domain.day_cap import LARGEST_CAP
from heyday.settings.bursts import WarmUpText
from heyday.settings.problems import refuse_what_is_wrong
from heyday.settings.providers import ApiUrl
from heyday.settings.values import Duration


class OwnOfSender(BaseSettings):
    """Hold what is set for one sender alone, such as HEYDAY_SES_RATE_LIMIT=14.

    None: as for all.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", frozen=True, extra="ignore"
    )

    rate_limit: float | None = Field(default=None, ge=0, le=1_000_000)
    provider_batch: int | None = Field(default=None, ge=0, le=1000)
    provider_url: ApiUrl = None
    provider_honours_keys: bool | None = None
    provider_key_lifetime: Duration | None = None
    daily_cap: int | None = Field(default=None, ge=0, le=LARGEST_CAP)
    warm_up: WarmUpText | None = None


def sender_prefix(name: str) -> str:
    """Return how settings for one sender alone begin."""
    return f"HEYDAY_{name.upper()}_"


def load_own_of_sender(name: str) -> dict[str, Any]:
    """Return what is set for one sender alone, by field. Raises ConfigurationError."""
    source = source_of_sender(name)
    refuse_what_is_wrong([source])
    return source().model_dump(exclude_none=True)


def source_of_sender(name: str) -> type[OwnOfSender]:
    """Return where it is read from."""

    class Own(OwnOfSender):
        model_config = SettingsConfigDict(env_prefix=sender_prefix(name))

    return Own
