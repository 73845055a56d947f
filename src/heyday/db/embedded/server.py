"""Start, share and stop the private server."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import count

from heyday.db.embedded.accounts import make_folders, open_private, server_account
from heyday.db.embedded.binaries import find_binaries
from heyday.db.embedded.cluster import ENVIRONMENT, Cluster, EmbeddedConfig, free_port
from heyday.db.embedded.filelock import FileLock
from heyday.db.embedded.postmaster import (
    Postmaster,
    adopt_stale_lock,
    find_postmaster,
    read_postmaster,
    stop_postmaster,
)
from heyday.domain.errors import EmbeddedServerError

_POLL_SECONDS = 0.02
_RETRY_SECONDS = 0.25
_ATTEMPTS = 120
_POLLS_PER_REPORT = 250
_LOG_LIMIT_BYTES = 10_000_000
# What passes by itself: an old server's orphans still ending, a port taken in the meantime.
_PASSING = ('lock file "postmaster.pid"', "pre-existing shared memory block", "could not bind")

_logger = logging.getLogger(__name__)


class EmbeddedServer:
    """Use the private server of one home folder, together with other Heyday processes.

    The first process starts the server, the last to leave stops it. Who uses it holds a share of
    the lock `users`; starting and stopping happen under the lock `start`. The kernel drops both
    when a process is killed, so a server left over is found running, and is used.

    report: is told, in words for a person, what takes longer than a moment.
    """

    def __init__(
        self, config: EmbeddedConfig, report: Callable[[str], object] = _logger.info
    ) -> None:
        self._config = config
        self._report = report
        self._folder = config.home.resolve() / "postgres"
        self._use: FileLock | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._abandoned = threading.Event()

    async def __aenter__(self) -> str:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> str:
        """Return the database's URL once the server takes connections; see start_blocking."""
        self._abandoned.clear()
        work = asyncio.create_task(asyncio.to_thread(self.start_blocking))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            self._abandoned.set()
            await asyncio.gather(work, return_exceptions=True)
            await self.stop()
            raise

    async def stop(self) -> None:
        """Leave the server; see stop_blocking."""
        await asyncio.to_thread(self.stop_blocking)

    def start_blocking(self) -> str:
        """Return the database's URL once the server takes connections.

        Waits as long as the server is alive: after a crash it first replays its log.
        Raises EmbeddedServerError, saying what stands in the way.
        """
        if sys.platform == "win32":
            raise EmbeddedServerError(
                "Heyday's own PostgreSQL runs on Linux and macOS only; on Windows, install "
                "PostgreSQL and set DATABASE_URL to it, or run Heyday within WSL"
            )
        try:
            return self._join()
        except OSError as error:
            raise EmbeddedServerError(
                f"PostgreSQL could not be started in {self._folder}: {error}; check that the "
                "folder is yours and the disk has room, prefer an ordinary user to root, "
                "or set DATABASE_URL to a server of your own"
            ) from error

    def stop_blocking(self) -> None:
        """Leave the server, and stop it if nobody else uses it; harmless when repeated."""
        if self._use is None:
            return
        with FileLock(self._folder / "start.lock") as lock:
            lock.take(threading.Event().wait)
            self._leave()

    def _join(self) -> str:
        make_folders(self._folder)
        account = server_account(self._folder)
        bin_dir = find_binaries(self._config.bin_dir)
        cluster = Cluster(self._folder, bin_dir, account, self._config)
        with FileLock(self._folder / "start.lock") as lock:
            if not lock.is_taken_at_once():
                self._report("waiting while another Heyday process starts or stops PostgreSQL")
                lock.take(self._pause)
            self._use = self._use or FileLock(self._folder / "users.lock")
            self._use.share()
            try:
                return self._serve(cluster)
            except BaseException:
                self._leave()
                raise

    def _serve(self, cluster: Cluster) -> str:
        if not cluster.data.exists():
            self._report(f"making a PostgreSQL database in {cluster.folder}")
            cluster.create()
        problem = ""
        for _ in range(_ATTEMPTS):
            is_running = find_postmaster(cluster.data) is not None
            log_start = 0 if is_running else self._launch(cluster)
            if server := self._wait_until_ready(cluster):
                return cluster.url(server.port)
            problem = cluster.log.read_bytes()[log_start:].decode(errors="replace").strip()
            if not is_running and not any(sign in problem for sign in _PASSING):
                break
            self._pause(_RETRY_SECONDS)
        raise EmbeddedServerError(
            f"PostgreSQL did not start on {cluster.describe()}: {problem[-2000:]} "
            f"(see {cluster.log}, or set DATABASE_URL to a server of your own)"
        )

    def _launch(self, cluster: Cluster) -> int:
        """Start the server process. Returns where its entries begin in the log."""
        stale = read_postmaster(cluster.data)
        adopt_stale_lock(cluster.data)
        if cluster.log.exists() and cluster.log.stat().st_size > _LOG_LIMIT_BYTES:
            cluster.log.replace(cluster.log.with_name("log.1"))
        # A restart under the feet of others keeps the port, so that they find the server again.
        command = cluster.server_command(free_port(stale.port if stale else 0))
        with os.fdopen(open_private(cluster.log, os.O_WRONLY | os.O_APPEND), "ab") as log:
            log_start = os.fstat(log.fileno()).st_size
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=ENVIRONMENT,
                # Out of reach of the terminal's Ctrl-C: Heyday finishes its work first.
                start_new_session=True,
            )
        # Buried as soon as it ends: a dead child that nobody waits for still counts as running.
        threading.Thread(target=self._process.wait, daemon=True).start()
        return log_start

    def _wait_until_ready(self, cluster: Cluster) -> Postmaster | None:
        """Return the server once it takes connections; None if it ended before."""
        for polls in count(1):
            server = find_postmaster(cluster.data)
            if server and server.is_ready:
                return server
            if server is None and not self._is_child_alive():
                return None
            if polls % _POLLS_PER_REPORT == 0:
                self._report(
                    f"PostgreSQL is still starting after {polls * _POLL_SECONDS:.0f} s; "
                    "after a crash it first replays its log, which may take minutes"
                )
            self._pause(_POLL_SECONDS)
        return None

    def _leave(self) -> None:
        use, self._use = self._use, None
        if use is None:
            return
        with use:
            if not use.is_taken_at_once():
                return
            stop_postmaster(self._folder / "data", threading.Event().wait)
            # Called off before it had written its lock file, or on its last instructions.
            if self._process and self._is_child_alive():
                self._process.send_signal(signal.SIGINT)
                self._process.wait()

    def _is_child_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _pause(self, seconds: float) -> None:
        if self._abandoned.wait(seconds):
            raise EmbeddedServerError("the start of PostgreSQL was called off")
