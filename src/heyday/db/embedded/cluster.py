"""Make a data folder, whole or not at all, and say how a server runs on it."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from heyday.db.embedded.accounts import Account, give, open_private
from heyday.db.embedded.binaries import has_library
from heyday.db.embedded.launch import as_account
from heyday.domain.errors import EmbeddedServerError

USER = DATABASE = "heyday"
# Nothing of our own environment reaches the server: PGDATA, PGOPTIONS or a locale would change it.
ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    # Planning touches people all over the table: less memory would write each page twice.
    "shared_buffers": "512MB",
    # After each checkpoint a page goes whole into the log with its first change, and each person
    # whom a claim locks is such a change: checkpoints that come every few minutes would double it.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "maintenance_work_mem": "256MB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    # The log holds what concerns the server. A failed statement is reported to its caller; here
    # its text would carry people's data, as would the details of other entries.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
}
_NOT_DURABLE: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


@dataclass(frozen=True, slots=True)
class EmbeddedConfig:
    """Say where a private server lives and how it runs.

    home: Heyday's own folder; the server takes `postgres/` in it.   bin_dir: the folder of
    PostgreSQL's programs, instead of the wheel's.   durable: False lets a power cut destroy the
    data, for tests.   settings: PostgreSQL's, over the defaults above.
    """

    home: Path
    bin_dir: Path | None = None
    durable: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Describe one data folder, with the programs and the account that serve it."""

    folder: Path
    bin_dir: Path
    account: Account | None
    config: EmbeddedConfig

    @property
    def data(self) -> Path:
        """The folder that PostgreSQL calls the data directory."""
        return self.folder / "data"

    @property
    def password_file(self) -> Path:
        """The file with the password of the one database user."""
        return self.folder / "password"

    @property
    def log(self) -> Path:
        """The file to which the server writes its log."""
        return self.folder / "log"

    def url(self, port: int) -> str:
        """Return the URL of the database. Raises EmbeddedServerError if the password is lost."""
        try:
            password = self.password_file.read_text().strip()
        except FileNotFoundError:
            raise EmbeddedServerError(
                f"{self.password_file} is missing, and the data in {self.data} opens to no other "
                f"password; put the file back, or move {self.folder} away to start afresh"
            ) from None
        return f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"

    def describe(self) -> str:
        """Return where the data is, of which major version, and which programs serve it."""
        version = (self.data / "PG_VERSION").read_text().strip()
        return f"{self.data} (data of PostgreSQL {version}, programs in {self.bin_dir})"

    def server_command(self, port: int) -> list[str]:
        """Return the command that runs the server in the foreground."""
        settings = {**_SETTINGS, "port": str(port)}
        if not self.config.durable:
            settings |= _NOT_DURABLE
        if has_library(self.bin_dir, "pg_stat_statements"):
            settings["shared_preload_libraries"] = "pg_stat_statements"
        settings |= self.config.settings
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return self._command("postgres", "-D", str(self.data), *options)

    def create(self) -> None:
        """Make the data folder with the user and the database in it.

        It gets its name only when it is finished, so a kill at any moment leaves none behind.
        """
        for leftover in self.folder.glob("data.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        self._write_password()
        new = Path(tempfile.mkdtemp(prefix="data.new-", dir=self.folder))
        give(new, self.account)
        initdb = [
            *("initdb", "--pgdata", str(new), "--username", USER),
            *("--auth=scram-sha-256", "--pwfile", str(self.password_file)),
            *("--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions"),
        ]
        single = ["postgres", "--single", "-D", str(new), "-c", "exit_on_error=on"]
        if not self.config.durable:
            initdb.append("--no-sync")
            single += ["-c", "fsync=off"]
        self._run(self._command(*initdb))
        self._run(self._command(*single, "template1"), f"CREATE DATABASE {DATABASE};\n")
        new.rename(self.data)

    def _write_password(self) -> None:
        self.password_file.unlink(missing_ok=True)
        fd = open_private(self.password_file, os.O_WRONLY)
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
            file.flush()
            os.fsync(fd)
        # initdb reads it as the server's account.
        give(self.password_file, self.account)

    def _command(self, program: str, *arguments: str) -> list[str]:
        argv = [str(self.bin_dir / program), *arguments]
        if self.account is None:
            return argv
        prefix = self.bin_dir.parent
        needed = [self.bin_dir / "initdb", self.bin_dir / "postgres"]
        needed += [
            path for path in (prefix / "lib", prefix / "share", self.folder) if path.exists()
        ]
        return as_account(argv, self.account.uid, self.account.gid, needed)

    def _run(self, command: list[str], stdin: str = "") -> None:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
        )
        if done.returncode:
            raise EmbeddedServerError(
                f"no database could be made in {self.folder}: "
                f"{(done.stderr or done.stdout).strip()[-2000:]} "
                "(or set DATABASE_URL to a server of your own)"
            )


def free_port(wanted: int = 0) -> int:
    """Return `wanted` if no one listens there on 127.0.0.1, else a port that is free."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EmbeddedServerError("there is no free port on 127.0.0.1; end some programs")
