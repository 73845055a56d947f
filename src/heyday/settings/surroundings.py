"""Settings of what is around Heyday: servers, provider, API, who may ask it, what is kept."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings

from heyday.settings.choices import SenderName
from heyday.settings.values import (
    Networks,
    Url,
    complete_broker_urls,
    complete_origins,
    complete_public_url,
    complete_redis_url,
    complete_secret,
    complete_url,
    empty_is_none,
)


class Surroundings(BaseSettings):
    """Hold what Heyday connects to, and what it is for those who reach it."""

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
        description="Where greetings go: inbox (a local mailbox at /inbox), http (a provider) or "
        "smtp (a mail server). Empty: http if EMAIL_SERVICE_URL is set, smtp if HEYDAY_SMTP_URL "
        "is, else inbox.",
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
