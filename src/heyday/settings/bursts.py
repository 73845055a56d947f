"""Settings of how much a provider, or the mail servers behind it, get at once and in a day."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from heyday.domain.day_cap import LARGEST_CAP, DayCap, WarmUp
from heyday.domain.domain_limits import DomainLimit, domain_of
from heyday.domain.errors import ConfigurationError

_WARM_UP = re.compile(
    r"\s*(\d{4}-\d\d-\d\d)\s*:\s*(\d{1,10})\s*,\s*(?:x(\d{1,3}(?:\.\d{1,3})?)|\+(\d{1,10}))"
    r"(?:\s+a\s+day)?\s*",
    re.ASCII,
)
_LIMIT = re.compile(r"\s*([^\s=,]+)\s*=\s*(\d{1,7}(?:\.\d{1,3})?)\s*/\s*s\s*", re.ASCII)
_WARM_UP_EXPECTED = (
    "expected the first day, how many greetings it may have, and how each further day grows, such "
    'as "2027-01-01: 500, x2 a day" or "2027-01-01: 500, +500 a day"'
)
_LIMITS_EXPECTED = (
    "expected domains and greetings a second, such as gmail.com=20/s, with commas between; "
    "outlook.com+hotmail.com=10/s for domains that share a limit"
)


def parse_warm_up(text: str) -> WarmUp | None:
    """Return the plan of a new sender; None of an empty text. Raises ValueError."""
    if not text.strip():
        return None
    found = _WARM_UP.fullmatch(text)
    if found is None:
        raise ValueError(_WARM_UP_EXPECTED)
    try:
        starts_on = date.fromisoformat(found[1])
        return WarmUp(starts_on, int(found[2]), float(found[3] or 1), int(found[4] or 0))
    except (ValueError, ConfigurationError) as error:
        raise ValueError(f"{error}; {_WARM_UP_EXPECTED}") from error


def parse_limits(text: str) -> Sequence[DomainLimit]:
    """Return the limits that a text names; no domain is in two of them. Raises ValueError."""
    limits = [_limit(part) for part in text.split(",") if part.strip()]
    domains = [domain for limit in limits for domain in limit.domains]
    if len(set(domains)) < len(domains):
        raise ValueError("a domain stands there twice; expected each once")
    return limits


def _limit(text: str) -> DomainLimit:
    found = _LIMIT.fullmatch(text)
    domains = [domain_of(f"a@{name}") for name in found[1].split("+")] if found else []
    known = [domain for domain in domains if domain]
    if found is None or not known or len(known) < len(domains) or float(found[2]) <= 0:
        raise ValueError(_LIMITS_EXPECTED)
    return DomainLimit(tuple(known), float(found[2]))


def _warm_up(value: str) -> str:
    parse_warm_up(value)
    return value


def _limits(value: str) -> str:
    parse_limits(value)
    return value


WarmUpText = Annotated[str, AfterValidator(_warm_up)]
"""A plan of a new sender, as it is written."""


class Bursts(BaseSettings):
    """Hold what a provider takes in a day, and what recipients' domains take in a second."""

    daily_cap: int = Field(
        default=0,
        alias="HEYDAY_DAILY_CAP",
        ge=0,
        le=LARGEST_CAP,
        description="Greetings to the provider in a day of UTC, all workers together. What is over "
        "it waits for the next day, as long as HEYDAY_LATE_WINDOW lets it. 0: no cap.",
    )
    warm_up: WarmUpText = Field(
        default="",
        alias="HEYDAY_WARM_UP",
        description="How a new sender begins, up to HEYDAY_DAILY_CAP: the first day, its "
        'greetings, and how each day grows: "2027-01-01: 500, x2 a day", or +500. Empty: at once.',
    )
    domain_limits: Annotated[str, AfterValidator(_limits)] = Field(
        default="",
        alias="HEYDAY_DOMAIN_LIMITS",
        description="Greetings a second to addresses of a domain, all workers together: "
        "gmail.com=20/s, outlook.com+hotmail.com=10/s. What is over it comes a little later, and "
        "holds up nobody else. Empty: no limits.",
    )

    @property
    def day_cap(self) -> DayCap | None:
        """Return what caps a day, if anything does."""
        warm_up = parse_warm_up(self.warm_up)
        return DayCap(self.daily_cap or None, warm_up) if self.daily_cap or warm_up else None
