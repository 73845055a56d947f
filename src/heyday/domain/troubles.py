"""Say what a trouble is: which part has it, how much it matters, what is wrong, what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    """Say how much a trouble matters. ALARM: greetings do not leave, or not on time."""

    ALARM = "alarm"
    WARNING = "warning"


class Part(StrEnum):
    """Name the parts that are looked at, in the order in which they are told of."""

    SETTINGS = "settings"
    FILES = "files"
    DATABASE = "database"
    MIGRATIONS = "migrations"
    PARTITIONS = "partitions"
    CLOCKS = "clocks"
    SCHEDULERS = "schedulers"
    PLANS = "plans"
    TRANSPORT = "transport"
    BACKLOG = "backlog"
    GREETINGS = "greetings"
    SENDERS = "senders"
    REDIS = "redis"
    ZONES = "time zones"
    TEXTS = "texts"
    DISK = "disk"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Say what is wrong and what to do, in English; `values` go into places such as %(name)s."""

    part: Part
    level: Level
    says: str
    todo: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return what is wrong as a sentence."""
        return self.says % self.values


def _(text: str) -> str:
    """Mark a text for translation; who shows it translates it."""
    return text
