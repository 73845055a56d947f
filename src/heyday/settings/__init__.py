"""Read the settings: the only reader of the environment and of .env."""

import dataclasses

from pydantic_settings import SettingsConfigDict

from heyday.domain.delivery import AmbiguityPolicy
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.policies import TimePolicies
from heyday.settings.by_type import load_own_policies, own_source
from heyday.settings.choices import SenderName
from heyday.settings.contradictions import refuse_contradictions
from heyday.settings.greeting_times import GreetingTimes
from heyday.settings.problems import refuse_what_is_wrong
from heyday.settings.running import Running
from heyday.settings.sending import Sending
from heyday.settings.surroundings import Surroundings
from heyday.settings.texts import Texts
from heyday.settings.values import networks_of, split_secrets


# Pydantic puts the fields of the last one first.
class Settings(Running, Sending, GreetingTimes, Texts, Surroundings):
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
