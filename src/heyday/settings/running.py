"""Settings of a running process: its connections to PostgreSQL, and its log."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings

from heyday.settings.choices import Pooler
from heyday.settings.values import Duration, Url, complete_public_url


class Running(BaseSettings):
    """Hold how a process connects to PostgreSQL, and what it tells of itself."""

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
    metrics_port: int = Field(
        default=0,
        alias="HEYDAY_METRICS_PORT",
        ge=0,
        le=65535,
        description="Where a process shows /metrics and /health without a key, each on a port of "
        "its own; 0: nowhere. One with the API shows them on PORT as well, /metrics for a key.",
    )
    metrics_host: str = Field(
        default="127.0.0.1",
        alias="HEYDAY_METRICS_HOST",
        description="The address that it listens on; 0.0.0.0 for Prometheus on another machine.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", alias="HEYDAY_LOG_LEVEL", description="What is logged at the least."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", alias="HEYDAY_LOG_FORMAT", description="How a log line looks."
    )
    traces_url: Annotated[Url, BeforeValidator(complete_public_url)] = Field(
        default=None,
        alias="HEYDAY_TRACES_URL",
        description="Where a collector of OpenTelemetry takes spans by OTLP over HTTP, such as "
        "http://127.0.0.1:4318/v1/traces; it needs heyday[traces]. Empty: nothing is followed.",
    )
    traces_share: float = Field(
        default=0.01,
        alias="HEYDAY_TRACES_SHARE",
        ge=0,
        le=1,
        description="The share of batches, and of requests to the API, that it is told of: 0.01 is "
        "one in a hundred. Runs of schedulers are all told.",
    )
    log_sql: bool = Field(
        default=False,
        alias="HEYDAY_LOG_SQL",
        description="Whether each SQL statement is logged, without its values (development).",
    )
