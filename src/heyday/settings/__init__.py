"""Read the settings: the only reader of the environment and of .env."""

import dataclasses
from pathlib import Path

from pydantic_settings import SettingsConfigDict

from heyday.domain.delivery import AmbiguityPolicy
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.policies import TimePolicies
from heyday.domain.sender_plan import SenderPlan
from heyday.settings.bursts import Bursts
from heyday.settings.by_sender import load_own_of_sender, source_of_sender
from heyday.settings.by_type import load_own_policies, own_source
from heyday.settings.choices import SenderName
from heyday.settings.contradictions import refuse_contradictions
from heyday.settings.events import Events
from heyday.settings.greeting_times import GreetingTimes
from heyday.settings.mail import Mail
from heyday.settings.problems import refuse_what_is_wrong
from heyday.settings.providers import Providers
from heyday.settings.running import Running
from heyday.settings.senders import alone
from heyday.settings.sending import Sending
from heyday.settings.surroundings import Surroundings
from heyday.settings.texts import Texts
from heyday.settings.values import networks_of, split_secrets


# Pydantic puts the fields of the last one first.
class Settings(
    Events, Running, Bursts, Sending, GreetingTimes, Texts, Providers, Mail, Surroundings
):
    """Hold every setting, frozen. `heyday settings` prints them."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", frozen=True, extra="ignore"
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
    def sender_plan(self) -> SenderPlan:
        """Return the senders in force, with their shares."""
        if self.sender or not (self.email_service_url or self.smtp_url):
            return self.sender or alone(SenderName.INBOX)
        return alone(SenderName.HTTP if self.email_service_url else SenderName.SMTP)

    @property
    def sender_names(self) -> list[SenderName]:
        """Return the names of the senders in force."""
        return [SenderName(name) for name in self.sender_plan.senders]

    @property
    def sender_name(self) -> SenderName:
        """Return the one sender in force, as of what `through` returns."""
        (name,) = self.sender_names
        return name

    def through(self, name: SenderName) -> "Settings":
        """Return the settings as they hold for one sender alone. Raises ConfigurationError."""
        return self.model_copy(update={"sender": alone(name), **load_own_of_sender(name)})

    @property
    def ids_in_batch(self) -> int:
        """Return how many greetings a batch of the queue holds: enough to fill a call."""
        calls = [self.through(name).provider_batch for name in self.sender_names]
        return max(self.batch_size, *calls)

    @property
    def calls_in_lane(self) -> int:
        """Return how many calls every sender allows for a batch."""
        return min(self.through(name).concurrency for name in self.sender_names)

    @property
    def sends_folder(self) -> Path | None:
        """Return where sends are noted; None: nowhere."""
        return self.sends or (None if self.database_url else self.home / "sends")

    @property
    def is_demo(self) -> bool:
        """Tell whether `heyday up` brings people to look at."""
        if self.demo == "auto":
            return self.database_url is None and self.sender_names == [SenderName.INBOX]
        return self.demo == "on"


def load_settings() -> Settings:
    """Return the settings in force. Raises ConfigurationError naming every one that is wrong."""
    by_type = [own_source(message_type.name) for message_type in MESSAGE_TYPES]
    by_sender = [source_of_sender(name) for name in SenderName]
    refuse_what_is_wrong([Settings, *by_type, *by_sender])
    settings = Settings()
    refuse_contradictions(settings)
    return settings
