"""What `heyday status` shows of a day, once and live, and that it shows nobody's name."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heyday.cli.app import app
from heyday.db import migrate
from tests.factories import Pipeline

# A program of its own reads the clock of the machine.
NOW = datetime.now(UTC)  # noqa: TID251 - as above
STATUSES = ("SENT", "SENT", "SENT", "FAILED", "UNKNOWN", "QUEUED")
LATE = timedelta(seconds=90)
GREETING = """
    INSERT INTO message_logs (user_id, message_type, delivery_date, scheduled_send_time, status,
        idempotency_key, message_content, timezone, tzdb_version, occasion_date, created_at,
        actual_send_time)
    VALUES ($1, 'BIRTHDAY', $2, $3, $4, $5, 'Hey', 'UTC', 'x', $2, $3, $6)
"""
NAMES = ("Ada", "Lovelace", "ada@example.com")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LINES", "50")


@pytest.fixture
async def a_day(pipeline: Pipeline) -> Pipeline:
    """Greetings of this day in UTC: three sent, the last of them late; one each failed,
    unknown and queued."""
    await migrate.create_partitions(pipeline.url, NOW, 12)
    user_id = await pipeline.insert(email=NAMES[2], timezone="UTC", birthday_date="1990-01-14")
    due_at = NOW.replace(minute=0, second=0, microsecond=0)
    for number, status in enumerate(STATUSES):
        sent_at = due_at + LATE * (number // 2) if status == "SENT" else None
        values = (user_id, NOW.date(), due_at, status, f"key {number}", sent_at)
        await pipeline.execute(GREETING, *values)
    return pipeline


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["status", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.usefixtures("a_day")
def test_once_in_plain_text() -> None:
    printed = run("--once")
    assert (
        "6 due, 0 planned, 1 under way, 2 sent on time, 1 sent late, 1 failed, 1 unknown" in printed
    )
    assert "Of 1 greetings nobody knows whether they arrived." in printed
    assert "postgresql: 0 batches wait" in printed
    assert "\x1b" not in printed
    assert not any(name in printed for name in NAMES)


@pytest.mark.usefixtures("a_day")
def test_what_is_no_terminal_is_shown_it_once_all_the_same() -> None:
    assert run().startswith("Heyday ")


@pytest.mark.usefixtures("a_day")
def test_as_json() -> None:
    told = json.loads(run("--json"))
    counted = {name: number for name, number in told["today"].items() if number}
    assert counted == {"due": 6, "sent": 2, "late": 1, "refused": 1, "unknown": 1, "waiting": 1}
    assert 64 < told["lateness_seconds"]["p99"] < 128
    assert told["queue"] == {"transport": "postgresql", "waiting": 0, "workers": None, "dead": 0}
    assert [each["name"] for each in told["schedulers"]] == ["daily", "minute", "sweep", "recovery"]
    assert {each["part"] for each in told["troubles"]} >= {"greetings"}
    assert not any(name in json.dumps(told) for name in NAMES)


class TestLive:
    """On a terminal it goes on until Ctrl-C."""

    async def test_it_renews_itself(self, a_day: Pipeline) -> None:
        with self.terminal() as (process, screen):
            self.read_until(screen, b"1 under way")
            await a_day.execute(
                "UPDATE message_logs SET status = 'SKIPPED' WHERE status = 'QUEUED'"
            )
            self.read_until(screen, b"0 under way")
            process.send_signal(signal.SIGINT)
            # The screen as it was before comes back.
            self.read_until(screen, b"\x1b[?1049l")
            assert process.wait(10) == 130

    @contextmanager
    def terminal(self) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
        """Lend the command on a terminal of its own, and that terminal's screen."""
        screen, side = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "heyday", "status"],
            env={**os.environ, "TERM": "xterm"},  # noqa: TID251 - a program's own
            stdin=side,
            stdout=side,
            stderr=subprocess.DEVNULL,
        )
        os.close(side)
        try:
            yield process, screen
        finally:
            process.kill()
            process.wait()
            os.close(screen)

    def read_until(self, screen: int, wanted: bytes) -> None:
        """Read what appears until it holds this; a test that waits too long is ended from above."""
        seen = b""
        while wanted not in seen:
            seen += os.read(screen, 65536)
