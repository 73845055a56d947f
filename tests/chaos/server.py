"""Run a PostgreSQL of the chaos run's own, durable, that can be struck down and raised again."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import asyncpg

from heyday.db.embedded.accounts import Account, make_folders, open_private, server_account
from heyday.db.embedded.binaries import find_binaries
from heyday.db.embedded.cluster import ENVIRONMENT, Cluster, EmbeddedConfig, free_port
from tests.chaos.waiting import wait_until

_PATIENCE = 60.0
_SETTINGS = {
    "max_connections": "300",
    # The order of commits tells which of a claim and an edit came first.
    "track_commit_timestamp": "on",
    "shared_buffers": "256MB",
    # A crash replays what was written since the last checkpoint.
    "checkpoint_timeout": "1min",
    **({"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}),
}


class Server:
    """Hold one data folder and the server process on it.

    environment: what the server gets besides, such as a library to load before others.
    settings: PostgreSQL's, over those of all.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        settings: Mapping[str, str] | None = None,
    ) -> None:
        config = EmbeddedConfig(home=folder, settings={**_SETTINGS, **(settings or {})})
        home = folder / "postgres"
        make_folders(home)
        self._cluster = Cluster(home, find_binaries(), server_account(home), config)
        self._environment = environment
        self._port = free_port()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return self._cluster.url(self._port)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> Path:
        return self._cluster.log

    @property
    def data(self) -> Path:
        return self._cluster.data

    @property
    def account(self) -> Account | None:
        """Return as whom it runs; None: as we do."""
        return self._cluster.account

    async def start(self) -> None:
        """Start it, and return once it takes connections."""
        if not self._cluster.data.exists():
            await asyncio.to_thread(self._cluster.create)
        with os.fdopen(open_private(self._cluster.log, os.O_WRONLY | os.O_APPEND), "ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=ENVIRONMENT,
            )
        await wait_until(self._answers, _PATIENCE, "the start of PostgreSQL")

    async def crash(self) -> None:
        """Stop it as `pg_ctl stop -m immediate` does: the next start recovers from the log."""
        await self._stop(signal.SIGQUIT)

    async def stop(self) -> None:
        await self._stop(signal.SIGINT)

    def _command(self) -> list[str]:
        """Return what runs the server: its environment begins where it has become its account."""
        command = self._cluster.server_command(self._port)
        begin = command.index("--") + 1 if "--" in command else 0
        given = [f"{name}={value}" for name, value in self._environment.items()]
        return [*command[:begin], "/usr/bin/env", *given, *command[begin:]]

    async def _stop(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, f"PostgreSQL ended, see {self._cluster.log}"
        try:
            connection = await asyncpg.connect(self.url, timeout=5)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True


@contextlib.asynccontextmanager
async def open_server(
    folder: Path,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Server]:
    """Lend a running server; whatever happens, it is gone afterwards."""
    server = Server(folder, environment or {}, settings)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
