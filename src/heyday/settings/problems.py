"""Say what is wrong with settings: each one, with what was given and what was expected."""

from collections.abc import Iterable
from datetime import timedelta

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings
from pydantic_settings.exceptions import SettingsError

from heyday.domain.errors import ConfigurationError

# What may hold a password is not repeated in a message.
_SECRET = frozenset(
    {
        "DATABASE_URL",
        "RABBITMQ_URL",
        "REDIS_URL",
        "EMAIL_SERVICE_URL",
        "HEYDAY_SECRET",
        "HEYDAY_EVENTS_POSTMARK_LOGIN",
    }
)
_SHOWN = 100


def refuse_what_is_wrong(sources: Iterable[type[BaseSettings]]) -> None:
    """Raise one ConfigurationError for all that is wrong, from whichever source."""
    wrong = [line for source in sources for line in _problems(source)]
    if wrong:
        raise ConfigurationError(
            "these settings are wrong (`heyday settings --help` tells where they come from):\n  "
            + "\n  ".join(wrong)
        )


def _problems(source: type[BaseSettings]) -> list[str]:
    """Return a line for each setting that is wrong. Raises ConfigurationError if .env is none."""
    try:
        source()
    except ValidationError as error:
        prefix = source.model_config.get("env_prefix", "")
        return [f"{_given(e, prefix)}: {_reason(e['msg'])}" for e in error.errors()]
    except (SettingsError, UnicodeError, OSError) as error:
        raise ConfigurationError(
            f"the file .env cannot be read ({type(error).__name__}); "
            "expected lines such as PORT=8000, in UTF-8"
        ) from None
    return []


def _given(error: ErrorDetails, prefix: str) -> str:
    """Return the setting with what was given, as far as that may be shown."""
    name, given = error["loc"][0], error["input"]
    if prefix:
        name = f"{prefix}{name}".upper()
    if name in _SECRET:
        return str(name)
    shown = f"{given.total_seconds():g}s" if isinstance(given, timedelta) else str(given)
    return f"{name}={shown[:_SHOWN]!r}"


def _reason(message: str) -> str:
    """Return what was expected: pydantic's words in our tone."""
    text = message.removeprefix("Value error, ").replace("Input should be", "expected")
    return text.partition(", unable to")[0]
