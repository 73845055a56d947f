"""Read JSON that a provider sent: what is missing, or of another type, is empty."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from heyday.domain.errors import EventsUnreadable
from heyday.domain.events import EventKind, ProviderEvent, event_id
from heyday.domain.idempotency import KEY_FIELD

_LONGEST_ADDRESS = 255
_SECONDS = re.compile(r"\d{1,11}", re.ASCII)
_CODE = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])", re.ASCII)


def read_json(body: bytes | str) -> object:
    """Return what a body holds. Raises EventsUnreadable if it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise EventsUnreadable("the body is not JSON") from None


def find(value: object, *path: str | int) -> object:
    """Return what stands at a path of names, and of places in lists; None for nothing."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, Mapping) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value


def text(value: object, *path: str | int) -> str:
    """Return the text that stands at a path, else none."""
    found = find(value, *path)
    return found if isinstance(found, str) else ""


def instant(value: object) -> datetime | None:
    """Return an instant that is written in ISO 8601, or in seconds since 1970."""
    try:
        if isinstance(value, str):
            read = datetime.fromisoformat(value)
            return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def seconds(written: str) -> datetime | None:
    """Return an instant that a text of digits gives in seconds since 1970."""
    return instant(int(written)) if _SECONDS.fullmatch(written) else None


def address(value: object) -> str | None:
    """Return an address, of what may be one."""
    if not isinstance(value, str) or len(value) > _LONGEST_ADDRESS:
        return None
    return value if "@" in value and value.isprintable() else None


def code(value: object) -> str | None:
    """Return the enhanced status code (RFC 3463) that a text holds; the rest may name a person."""
    found = _CODE.search(value) if isinstance(value, str) else None
    return found[0] if found else None


def key_in(metadata: object) -> str:
    """Return the greeting's key among the metadata of a letter, else an empty text."""
    return text(metadata, KEY_FIELD)


def own_id(provider: str, *parts: object) -> UUID:
    """Return what stands for an event that a provider names by these. Raises EventsUnreadable."""
    if not all(isinstance(part, str | int) and part != "" for part in parts):
        raise EventsUnreadable("an event has no name of its own")
    name = "\n".join(str(part) for part in parts)
    return event_id(provider, name.encode("utf-8", "replace").decode())


def event(  # noqa: PLR0913 - one parameter for each field
    id: UUID,  # noqa: A002 - as the field is called
    kind: EventKind,
    key: str,
    *,
    at: object = None,
    to: object = None,
    status: object = None,
) -> ProviderEvent:
    """Return an event of what came, in whatever form its fields are."""
    return ProviderEvent(id, kind, key, instant(at), address(to), code(status))
