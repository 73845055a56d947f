"""List every setting, as `heyday settings` knows them, group by group."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from pydantic_settings import BaseSettings

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.settings import Settings
from heyday.settings.by_sender import OwnOfSender, sender_prefix
from heyday.settings.by_type import TypePolicies, prefix_of
from heyday.settings.choices import SenderName

_HEAD = """# Settings

From the environment, or else from a file `.env` in the folder where Heyday starts. Durations are a
number and a unit: ms, s, m, h or d. `heyday settings` tells the same, and what is in force; this
page is made of it.
"""


def write_page() -> str:
    """Return the page of all settings."""
    known = {row["name"]: row for row in _known()}
    return "\n".join([_HEAD, *(text for group in _groups() for text in _sections(group, known))])


def _known() -> list[dict[str, str]]:
    """Return what the program says where nothing is set."""
    words = [sys.executable, "-m", "heyday", "settings", "--json"]
    with tempfile.TemporaryDirectory() as nowhere:
        said = subprocess.run(words, cwd=nowhere, env={}, check=True, capture_output=True)
    rows: list[dict[str, str]] = json.loads(said.stdout)
    return rows


def _groups() -> list[type[BaseSettings]]:
    """Return the groups that the settings are put together from, in their order."""
    own = [each for each in Settings.__mro__ if BaseSettings in each.__bases__]
    return own[::-1]


def _sections(group: type[BaseSettings], known: dict[str, dict[str, str]]) -> Iterator[str]:
    module = sys.modules[group.__module__].__doc__ or ""
    title = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", group.__name__).capitalize()
    yield f"## {title}\n\n{module.strip()}\n"
    for name, field in group.model_fields.items():
        row = known[str(field.alias)]
        default = f"`{row['default']}`" if row["default"] else "none"
        yield f"### {row['name']}\n\n{row['meaning']} Default: {default}.{_alone(name)}\n"


def _alone(name: str) -> str:
    """Return how a setting is called for one kind of greeting, or one sender, alone."""
    if name in TypePolicies.model_fields:
        ways = " or ".join(f"`{prefix_of(each.name)}{name.upper()}`" for each in MESSAGE_TYPES)
        return f" For one kind of greeting alone: {ways}."
    if name in OwnOfSender.model_fields:
        way = f"`{sender_prefix(SenderName.SES)}{name.upper()}`"
        return f" For one sender alone, by its name: {way}."
    return ""
