"""Read the settings: the only reader of the environment and of .env."""

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from heyday.domain.delivery import AmbiguityPolicy
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.policies import GapPolicy, OverlapPolicy, SkipPolicy, TimePolicies
from heyday.settings.by_type import load_own_policies, own_source
from heyday.settings.choices import Pooler, SenderName
from heyday.settings.contradictions import refuse_contradictions
from heyday.settings.problems import refuse_what_is_wrong
from heyday.settings.values import (
    Duration,
    Networks,
    SendTime,
    Url,
    complete_broker_urls,
    complete_origins,
    complete_public_url,
    complete_redis_url,
    complete_secret,
    complete_url,
    empty_is_none,
    networks_of,
    never_is_none,
    split_secrets,
)

LONGEST_CALL = timedelta(seconds=30)
_TIME = TimePolicies()


class Settings(BaseSettings):
    """Hold every setting, frozen. `heyday settings` prints them."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", frozen=True, extra="ignore"
    )

    database_url: Annotated[Url, BeforeValidator(complete_url)] = Field(
        default=None,
        alias="DATABASE_URL",
        description="PostgreSQL 15 to 18. Empty: Heyday starts a private one under HEYDAY_HOME.",
    )
    rabbitmq_url: Annotated[Url, BeforeValidator(complete_broker_urls)] = Field(
        default=None,
        alias="RABBITMQ_URL",
        description="RabbitMQ 3.10 or newer, which carries batches to workers; one URL for each "
        "node of a cluster, with commas between. Empty: PostgreSQL carries them.",
    )
    redis_url: Annotated[Url, BeforeValidator(complete_redis_url)] = Field(
        default=None,
        alias="REDIS_URL",
        description="Redis 7 or newer, by which all API processes share HEYDAY_API_RATE_LIMIT "
        "and HEYDAY_API_KEY_RATE_LIMIT. Empty: each counts by itself.",
    )
    sender: Annotated[SenderName | None, BeforeValidator(empty_is_none)] = Field(
        default=None,
        alias="SENDER",
        description="Where greetings go: inbox (a local mailbox at /inbox) or http (a provider). "
        "Empty: http if EMAIL_SERVICE_URL is set, else inbox.",
    )
    email_service_url: Url = Field(
        default=None,
        alias="EMAIL_SERVICE_URL",
        description="The HTTP provider: greetings are posted to {EMAIL_SERVICE_URL}/send-email.",
    )
    host: str = Field(default="127.0.0.1", alias="HOST", description="Where the API listens.")
    port: int = Field(
        default=8000, alias="PORT", ge=0, le=65535, description="Its port; 0: any free one."
    )
    public_url: Annotated[Url, BeforeValidator(complete_public_url)] = Field(
        default=None,
        alias="HEYDAY_PUBLIC_URL",
        description="Where people who are greeted reach this API, such as https://hey.example.com; "
        "links to unsubscribe begin with it. Empty: no links, but in the inbox to itself.",
    )
    secret: Annotated[str, BeforeValidator(complete_secret)] = Field(
        default="",
        alias="HEYDAY_SECRET",
        description="What signs links to unsubscribe and stands in for addresses that want no "
        "greetings: 32 bytes or more, the same for all processes; after a comma, former ones. "
        "Empty: one is made and kept in the database.",
    )
    keep_messages: int = Field(
        default=0,
        alias="HEYDAY_KEEP_MESSAGES",
        ge=0,
        le=1200,
        description="Whole months that greetings are kept; the daily run drops older ones, unless "
        "a greeting in them has not come to its end. 0: for ever.",
    )
    scrub_texts_after: int = Field(
        default=90,
        alias="HEYDAY_SCRUB_TEXTS_AFTER",
        ge=0,
        le=36_500,
        description="Days after which texts and answers of greetings that came to their end "
        "are emptied, and letters in the inbox; at least the late window and 7 days. 0: never.",
    )
    api_rate_limit: int = Field(
        default=0,
        alias="HEYDAY_API_RATE_LIMIT",
        ge=0,
        le=1_000_000,
        description="Requests a minute that the API takes from one address; 0: no limit. Behind a "
        "proxy see HEYDAY_TRUSTED_PROXIES.",
    )
    api_key_rate_limit: int = Field(
        default=0,
        alias="HEYDAY_API_KEY_RATE_LIMIT",
        ge=0,
        le=1_000_000,
        description="Requests a minute that the API takes with one key, from wherever; 0: no "
        "limit.",
    )
    trusted_proxies: Networks = Field(
        default="",
        alias="HEYDAY_TRUSTED_PROXIES",
        description="Proxies that are believed for whom they ask (X-Forwarded-For): addresses and "
        "networks, with commas between. Empty: none, and each caller has the address it calls "
        "from.",
    )
    import_limit: int = Field(
        default=512,
        alias="HEYDAY_IMPORT_LIMIT",
        ge=1,
        le=1_000_000,
        description="MiB that a file may have which the API is to import.",
    )
    cors_origins: Annotated[str, BeforeValidator(complete_origins)] = Field(
        default="",
        alias="HEYDAY_CORS_ORIGINS",
        description="Origins of pages that may call the API from a browser, with commas between, "
        "such as https://people.example.com. Empty: none.",
    )
    keep_audit: int = Field(
        default=24,
        alias="HEYDAY_KEEP_AUDIT",
        ge=0,
        le=1200,
        description="Whole months that the audit log is kept; 0: for ever.",
    )
    send_time: SendTime = Field(
        default=_TIME.send_time,
        alias="SEND_TIME",
        description="When greetings leave, on the clock of each person's own zone.",
    )
    home: Path = Field(
        default=Path(".heyday"),
        alias="HEYDAY_HOME",
        description="The folder of Heyday's own database.",
    )
    heartbeat: Annotated[Path | None, BeforeValidator(empty_is_none)] = Field(
        default=None,
        alias="HEYDAY_HEARTBEAT",
        description="A file that processes which stay touch every 5 s, for whoever watches them.",
    )
    demo: Literal["auto", "on", "off"] = Field(
        default="auto",
        alias="HEYDAY_DEMO",
        description="Whether `heyday up` brings people to look at. auto: only where the database "
        "is Heyday's own and greetings go to the inbox.",
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
        description="Greetings in one batch.",
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
        description="Whether the HTTP provider takes a repeated Idempotency-Key for the same "
        "message. If not, HEYDAY_AMBIGUOUS says what follows an attempt of which nobody can say "
        "how it ended.",
    )
    provider_key_lifetime: Duration = Field(
        default=timedelta(hours=24),
        alias="HEYDAY_PROVIDER_KEY_LIFETIME",
        description="For how long the provider remembers a key.",
    )
    rate_limit: float = Field(
        default=0,
        alias="HEYDAY_RATE_LIMIT",
        ge=0,
        le=1_000_000,
        description="Calls a second to the provider, all workers together; 0: no limit until it "
        "answers 429.",
    )
    breaker_failures: int = Field(
        default=20,
        alias="HEYDAY_BREAKER_FAILURES",
        ge=1,
        le=10_000,
        description="After so many failed calls in a row a worker leaves the provider alone for a "
        "while.",
    )
    clock_tolerance: Duration = Field(
        default=timedelta(seconds=5),
        alias="HEYDAY_CLOCK_TOLERANCE",
        description="How far the clock may jump, or be from PostgreSQL's, before schedulers and "
        "workers pause.",
    )
    failpoints: str = Field(
        default="",
        alias="HEYDAY_FAILPOINTS",
        description="Where the process is to kill or stop itself, such as "
        "claim.after_commit=kill#3 (for tests of Heyday itself).",
    )
    pooler: Pooler = Field(
        default=Pooler.NONE,
        alias="HEYDAY_POOLER",
        description="What stands before PostgreSQL: none, or a pooler such as PgBouncer, which "
        "lends connections for a transaction or longer (transaction).",
    )
    pool_min: int = Field(
        default=5, alias="HEYDAY_POOL_MIN", ge=1, le=1000, description="Connections kept open."
    )
    pool_max: int = Field(
        default=20, alias="HEYDAY_POOL_MAX", ge=2, le=1000, description="Connections at the most."
    )
    pool_idle: Duration = Field(
        default=timedelta(seconds=30),
        alias="HEYDAY_POOL_IDLE",
        description="When an idle one is closed.",
    )
    connect_timeout: Duration = Field(
        default=timedelta(seconds=10),
        alias="HEYDAY_CONNECT_TIMEOUT",
        description="How long a connection to PostgreSQL may take.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", alias="HEYDAY_LOG_LEVEL", description="What is logged at the least."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", alias="HEYDAY_LOG_FORMAT", description="How a log line looks."
    )
    log_sql: bool = Field(
        default=False,
        alias="HEYDAY_LOG_SQL",
        description="Whether each SQL statement is logged, without its values (development).",
    )

    def policies(self, message_type: str) -> TimePolicies:
        """Return the choices about time for one message type: its own, else those for all.

        Raises ConfigurationError.
        """
        own = load_own_policies(message_type)
        names = [field.name for field in dataclasses.fields(TimePolicies)]
        return TimePolicies(**{name: own.get(name, getattr(self, name)) for name in names})

    def ambiguity(self, message_type: str) -> AmbiguityPolicy:
        """Return what follows an ambiguous attempt at a message type. Raises ConfigurationError."""
        own: AmbiguityPolicy | None = load_own_policies(message_type).get("ambiguous")
        return own or self.ambiguous

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """Return the secrets that are set, newest first."""
        return tuple(text.encode() for text in split_secrets(self.secret))

    @property
    def rabbitmq_urls(self) -> list[str]:
        """Return the nodes of RabbitMQ; none where PostgreSQL carries batches."""
        return [url.strip() for url in (self.rabbitmq_url or "").split(",") if url.strip()]

    @property
    def trusted_networks(self) -> list[str]:
        """Return the proxies that are believed, each also as it looks on a socket for IPv6."""
        return networks_of(self.trusted_proxies)

    @property
    def origins(self) -> list[str]:
        """Return the origins of pages that may call the API."""
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]

    @property
    def sender_name(self) -> SenderName:
        """Return the sender in force."""
        return self.sender or (SenderName.HTTP if self.email_service_url else SenderName.INBOX)

    @property
    def is_demo(self) -> bool:
        """Tell whether `heyday up` brings people to look at."""
        if self.demo == "auto":
            return self.database_url is None and self.sender_name is SenderName.INBOX
        return self.demo == "on"


def load_settings() -> Settings:
    """Return the settings in force. Raises ConfigurationError naming every one that is wrong."""
    refuse_what_is_wrong([Settings, *(own_source(t.name) for t in MESSAGE_TYPES)])
    settings = Settings()
    refuse_contradictions(settings)
    return settings
