"""What libraries say of lost connections stays out of Heyday's log, whose lines are events."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from heyday.telemetry.logs import configure_logging

LIBRARIES = ("aio_pika", "aiormq", "asyncpg")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    yield
    structlog.reset_defaults()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("name", ["aio_pika.connection", "aiormq.connection", "asyncpg.pool"])
def test_a_library_writes_no_traceback_between_events(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, name: str
) -> None:
    configure_logging("info", as_json=True)
    logging.getLogger(name).warning("lost", exc_info=OSError("refused"))
    assert caplog.records == []
    assert capfd.readouterr().err == ""
