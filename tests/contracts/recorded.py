"""The requests that stand in tests/data/providers, as they are written today."""

from collections.abc import Iterator
from pathlib import Path

from heyday.domain.models import ClaimedMessage
from heyday.senders.place import Place
from heyday.senders.providers.sender import as_sent, write_request
from heyday.services.letters import LinkingLetterWriter
from tests.contracts.scene import (
    BATCHING,
    ORIGIN,
    PROVIDERS,
    RICH,
    WITH_REPLY,
    WITHOUT_LINKS,
    WRITER,
    messages,
)
from tests.fakes import MESSAGE, START_AT

FOLDER = Path(__file__).parents[1] / "data" / "providers"


def requests() -> Iterator[tuple[str, bytes]]:
    """Yield each recorded request: its file's name, and its bytes."""
    for name in PROVIDERS:
        yield f"{name}-plain.http", _write(name, [MESSAGE], WITHOUT_LINKS)
        yield f"{name}-rich.http", _write(name, [RICH], WRITER, is_rich=True)
    for name in BATCHING:
        yield f"{name}-batch.http", _write(name, messages(2), WRITER)


def _write(
    name: str,
    greetings: list[ClaimedMessage],
    writer: LinkingLetterWriter,
    *,
    is_rich: bool = False,
) -> bytes:
    known = PROVIDERS[name]
    dialect = known.speak(known.usual, WITH_REPLY if is_rich else ORIGIN)
    letters = [letter for greeting in greetings if (letter := as_sent(writer.write(greeting)))]
    return write_request(dialect, Place(known.usual, dialect.headers), letters, START_AT)
