"""Settings of the way of a greeting: planned, queued, sent, tried again."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings

from heyday.domain.delivery import AmbiguityPolicy
from heyday.settings.values import Duration, empty_is_none, never_is_none

LONGEST_CALL = timedelta(seconds=30)
LONGEST_SENDS = timedelta(days=28)
"""Runs of jobs are kept longer: what was seen of them shows whether a database was restored."""


class Sending(BaseSettings):
    """Hold how far ahead greetings are planned and queued, and how the provider is called."""

    ambiguous: AmbiguityPolicy = Field(
        default=AmbiguityPolicy.RETRY,
        alias="HEYDAY_AMBIGUOUS",
        description="What follows an attempt of which nobody can say how it ended, where the "
        "provider does not know our key: RETRY (once, then UNKNOWN) or HOLD (UNKNOWN at once).",
    )
    plan_horizon: Duration = Field(
        default=timedelta(hours=48),
        alias="HEYDAY_PLAN_HORIZON",
        description="How far ahead rows are written.",
    )
    look_ahead: Duration = Field(
        default=timedelta(seconds=90),
        alias="HEYDAY_LOOK_AHEAD",
        description="How long before their instant greetings are queued.",
    )
    sweep_every: Duration = Field(
        default=timedelta(seconds=30),
        alias="HEYDAY_SWEEP_EVERY",
        description="How often schedulers look for expired leases and lost batches.",
    )
    lost_after: Duration = Field(
        default=timedelta(minutes=2),
        alias="HEYDAY_LOST_AFTER",
        description="How long a greeting that is due may wait in the queue before it is queued "
        "again.",
    )
    without_broker_after: Annotated[Duration | None, BeforeValidator(never_is_none)] = Field(
        default=timedelta(seconds=60),
        alias="HEYDAY_WITHOUT_BROKER_AFTER",
        description="How long a worker waits for RabbitMQ before it takes what is due from "
        "PostgreSQL; 0s: for ever.",
    )
    batch_size: int = Field(
        default=500,
        alias="HEYDAY_BATCH_SIZE",
        ge=1,
        le=10_000,
        description="Greetings in one batch of the queue; HEYDAY_PROVIDER_BATCH, where that is "
        "more.",
    )
    max_retries: int = Field(
        default=5, alias="HEYDAY_MAX_RETRIES", ge=0, le=20, description="Retries before FAILED."
    )
    concurrency: int = Field(
        default=64,
        alias="HEYDAY_CONCURRENCY",
        ge=1,
        le=4096,
        description="Calls in flight for a batch.",
    )
    call_timeout: Duration = Field(
        default=timedelta(seconds=10),
        alias="HEYDAY_CALL_TIMEOUT",
        le=LONGEST_CALL,
        description="The longest one call to the provider may take.",
    )
    lease: Duration = Field(
        default=timedelta(seconds=60),
        alias="HEYDAY_LEASE",
        le=timedelta(minutes=10),
        description="For how long a worker holds a greeting unless it says that it still lives; at "
        "least twice HEYDAY_CALL_TIMEOUT and 4 s.",
    )
    provider_honours_keys: bool = Field(
        default=True,
        alias="HEYDAY_PROVIDER_HONOURS_KEYS",
        description="Whether the HTTP provider, or the webhook, takes a repeated key for the same "
        "message. If not, HEYDAY_AMBIGUOUS says what follows an attempt of which nobody can say "
        "how it ended.",
    )
    provider_key_lifetime: Duration = Field(
        default=timedelta(hours=24),
        alias="HEYDAY_PROVIDER_KEY_LIFETIME",
        description="For how long the HTTP provider, or the webhook, remembers a key.",
    )
    provider_batch: int = Field(
        default=0,
        alias="HEYDAY_PROVIDER_BATCH",
        ge=0,
        le=1000,
        description="Greetings in one call to the provider: by HTTP, posted to "
        "{EMAIL_SERVICE_URL}/send-batch; up to 500 to Postmark, 100 to Resend. 0: each by itself.",
    )
    rate_limit: float = Field(
        default=0,
        alias="HEYDAY_RATE_LIMIT",
        ge=0,
        le=1_000_000,
        description="Greetings a second to the provider, all workers together; 0: what it grants "
        "everybody, or no limit until it answers 429.",
    )
    breaker_failures: int = Field(
        default=20,
        alias="HEYDAY_BREAKER_FAILURES",
        ge=1,
        le=10_000,
        description="After so many failed attempts in a row a worker leaves the provider alone for "
        "a while.",
    )
    sends: Annotated[Path | None, BeforeValidator(empty_is_none)] = Field(
        default=None,
        alias="HEYDAY_SENDS",
        description="A folder where processes note the ids of what they send, outside the "
        "database, for after a restore of it. Empty: none, but with Heyday's own database the "
        "folder sends of HEYDAY_HOME.",
    )
    keep_sends: Duration = Field(
        default=timedelta(days=7),
        alias="HEYDAY_KEEP_SENDS",
        ge=timedelta(days=1),
        le=LONGEST_SENDS,
        description="For how long these notes are kept: as far as a restore may reach back.",
    )
    clock_tolerance: Duration = Field(
        default=timedelta(seconds=5),
        alias="HEYDAY_CLOCK_TOLERANCE",
        description="How far the clock may jump, or be from PostgreSQL's, before schedulers and "
        "workers pause.",
    )
