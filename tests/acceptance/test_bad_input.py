"""Bad input: exit status 2 and one message that helps; no traceback, no password, no half truth.

Most cases call the program's `main` here, as a process of its own would; a few start one, to see
that nothing comes between.
"""

import asyncio
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
import stamina.instrumentation
import structlog

from heyday.cli.app import main
from heyday.settings import Settings
from tests.acceptance.processes import Finished, run

PASSWORD = "s3cret-w0rd"
AT = ("jobs", "run", "daily", "--at")
HEADER = "first_name,last_name,email,timezone,birthday_date"
# Addresses at which no PostgreSQL answers; none of these may wait long, or print the password.
SOON = {"HEYDAY_CONNECT_TIMEOUT": "300ms"}


class Program(Protocol):
    def __call__(self, *words: str, **settings: str) -> Finished: ...


@pytest.fixture
def heyday(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Program]:
    """The program, in an empty folder, with the settings given and no others."""
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)

    def call(*words: str, **settings: str) -> Finished:
        monkeypatch.setattr(sys, "argv", ["heyday", *words])
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
        return Finished(int(ended.value.code or 0), *capsys.readouterr())

    yield call
    structlog.reset_defaults()
    stamina.instrumentation.set_on_retry_hooks(None)


def assert_refused(done: Finished, *phrases: str) -> None:
    """Assert that there is one message, that it holds the phrases, and that it is all there is."""
    assert (done.status, done.out) == (2, "")
    assert "Traceback" not in done.err
    assert PASSWORD not in done.err
    assert len(re.findall(r"^(?:heyday|Error): ", done.err, re.MULTILINE)) == 1, done.err
    for phrase in phrases:
        assert phrase in done.err


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "abc", "a valid integer"),
        ("PORT", "70000", "less than or equal to 65535"),
        ("SEND_TIME", "25:00", "HH:MM"),
        ("SEND_TIME", "9", "HH:MM"),
        ("SENDER", "pigeon", "postmark, resend, webhook"),
        ("HEYDAY_LEAP_DAY", "never", "'BACKWARD', 'FORWARD' or 'OMIT'"),
        ("HEYDAY_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("HEYDAY_LATE_JOIN", "perhaps", "a valid boolean"),
        ("HEYDAY_PLAN_HORIZON", "5", "a number and a unit"),
        ("HEYDAY_PLAN_HORIZON", "0s", "more than nothing"),
        ("HEYDAY_LATE_WINDOW", "99999999999999999999d", "at most 366d"),
        ("HEYDAY_CALL_TIMEOUT", "600s", "less than or equal to 30 seconds"),
        ("HEYDAY_POOLER", "session", "'none' or 'transaction'"),
        ("HEYDAY_POOL_MAX", "1", "greater than or equal to 2"),
        ("HEYDAY_API_RATE_LIMIT", "-1", "greater than or equal to 0"),
        ("HEYDAY_KEEP_AUDIT", "2y", "a valid integer"),
        ("HEYDAY_KEEP_AUDIT", "-1", "greater than or equal to 0"),
        ("HEYDAY_CORS_ORIGINS", "*", "whole origins"),
        ("HEYDAY_CORS_ORIGINS", "null", "whole origins"),
        ("HEYDAY_CORS_ORIGINS", "people.example.com", "whole origins"),
        ("HEYDAY_CORS_ORIGINS", "https://people.example.com/", "whole origins"),
        ("HEYDAY_CORS_ORIGINS", "https://*.example.com", "whole origins"),
        ("HEYDAY_CORS_ORIGINS", "https://a.example.com,", "whole origins"),
        ("HEYDAY_API_KEY_RATE_LIMIT", "-1", "greater than or equal to 0"),
        ("HEYDAY_TRUSTED_PROXIES", "*", "10.0.0.0/8, with commas between"),
        ("HEYDAY_TRUSTED_PROXIES", "127.0.0.1, proxy.example.com", "addresses and networks"),
        ("HEYDAY_TRUSTED_PROXIES", "10.1.2.3/8", "of a network the first address"),
    ],
)
def test_a_setting_that_is_wrong_is_shown_with_what_was_expected(
    heyday: Program, name: str, value: str, expected: str
) -> None:
    assert_refused(heyday("settings", **{name: value}), f"{name}='{value}': expected", expected)


def test_every_wrong_setting_is_named_at_once(heyday: Program) -> None:
    done = heyday("reconcile", PORT="abc", SEND_TIME="25:00", DATABASE_URL=PASSWORD)
    assert_refused(done, "PORT", "SEND_TIME", "DATABASE_URL")


@pytest.mark.parametrize(
    ("settings", "phrase"),
    [
        ({"SENDER": "http"}, "EMAIL_SERVICE_URL"),
        ({"HEYDAY_POOL_MIN": "30"}, "HEYDAY_POOL_MAX"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    heyday: Program, settings: dict[str, str], phrase: str
) -> None:
    assert_refused(heyday("settings", **settings), phrase)


def test_a_provider_without_a_web_address_is_refused(heyday: Program, database_url: str) -> None:
    for url in ("ftp://mail.example.com", f"http://user:{PASSWORD}@", "mail.example.com"):
        done = heyday("jobs", "run", "minute", DATABASE_URL=database_url, EMAIL_SERVICE_URL=url)
        assert_refused(done, "EMAIL_SERVICE_URL: expected http:// or https://")


@pytest.mark.parametrize("content", [b"PORT=\xff\xfe", b"PORT=80\x00", b"PORT\x00=80\nPORT=x"])
def test_a_broken_env_file_is_refused(heyday: Program, tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    assert_refused(heyday("settings"))


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "postgresql://",  # PostgreSQL's client would go to whatever it takes for the default
        "://",
        f"mysql://heyday:{PASSWORD}@127.0.0.1/heyday",
        f"postgresql+asyncpg://heyday:{PASSWORD}@127.0.0.1/heyday",
        f"postgresql://heyday:{PASSWORD}@127.0.0.1:port/heyday",
        f"postgresql://heyday:{PASSWORD}@127.0.0.1:99999/heyday",
        f"postgresql://heyday:{PASSWORD}@[::1/heyday",
        f"postgresql://heyday:{PASSWORD}@127.0.0.1",
        f"postgresql://heyday:{PASSWORD}@127.0.0.1/heyday heyday",
    ],
)
@pytest.mark.parametrize("words", [("settings",), ("db", "migrate"), ("up",)])
def test_a_malformed_database_url_is_refused(
    heyday: Program, url: str, words: tuple[str, ...]
) -> None:
    done = heyday(*words, DATABASE_URL=url)
    assert_refused(done, "DATABASE_URL: expected postgresql://user:password@host:5432/database")


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        f"http://:{PASSWORD}@127.0.0.1:6379/0",
        f"redis://:{PASSWORD}@127.0.0.1:99999/0",
        f"redis://:{PASSWORD}@127.0.0.1:6379/zero",
        f"redis://:{PASSWORD}@127.0.0.1:6379/0?socket_timeout=never",
        f"redis://:{PASSWORD}@127.0.0.1:6379/0?ssl_cert_reqs=none",
        f"redis://:{PASSWORD}@127.0.0.1:6379/0,redis://127.0.0.2",
    ],
)
def test_a_malformed_redis_url_is_refused(heyday: Program, url: str) -> None:
    done = heyday("settings", REDIS_URL=url)
    assert_refused(done, "REDIS_URL: expected redis://:password@host:6379/0")


def test_the_password_of_redis_is_not_shown(heyday: Program) -> None:
    for url in ("redis://:{}@127.0.0.1:6379/0", "rediss://me:{}@[::1]/1?ssl_cert_reqs=none"):
        done = heyday("settings", REDIS_URL=url.format(PASSWORD))
        assert done.status == 0
        assert PASSWORD not in done.out + done.err
        assert url.format("***").partition("?")[0] in done.out.replace("\n", "")


@pytest.mark.parametrize(
    ("query", "kind"),
    [("", "ConnectionRefusedError"), ("?sslmode=perhaps", "ClientConfigurationError")],
)
def test_a_server_that_is_not_there_is_explained(heyday: Program, query: str, kind: str) -> None:
    url = f"postgresql://heyday:{PASSWORD}@127.0.0.1:1/heyday{query}"
    done = heyday("reconcile", DATABASE_URL=url, **SOON)
    assert_refused(done, "no connection to PostgreSQL", kind, "check DATABASE_URL")


def test_a_server_that_is_silent_is_not_waited_for_for_ever(heyday: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://heyday:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/heyday"
        assert_refused(heyday("reconcile", DATABASE_URL=url, **SOON), "TimeoutError")


def with_login(url: str, user: str) -> str:
    """Return the same database's URL with another user and our password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:{PASSWORD}@{parts.netloc.rpartition('@')[2]}"))


async def lets_in(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url)
    except asyncpg.InvalidAuthorizationSpecificationError:
        return False
    await connection.close()
    return True


@pytest.mark.parametrize("words", [("reconcile",), ("db", "migrate"), ("api",)])
def test_a_wrong_password_is_told_and_not_shown(
    heyday: Program, database_url: str, words: tuple[str, ...]
) -> None:
    url = with_login(database_url, urlsplit(database_url).username or "")
    if asyncio.run(lets_in(url)):
        pytest.skip("this server asks for no password")
    assert_refused(heyday(*words, DATABASE_URL=url, PORT="0"), "user or password is wrong")


def test_a_database_that_is_not_there_is_told(heyday: Program, database_url: str) -> None:
    done = heyday("db", "migrate", DATABASE_URL=f"{database_url}_not")
    assert_refused(done, "there is no such database")


@pytest.mark.parametrize(
    "words",
    [
        ("reconcile",),
        ("jobs", "run", "daily"),
        ("api",),
        ("worker",),
        ("db", "seed"),
        ("db", "create-partitions"),
    ],
)
def test_a_database_without_tables_asks_for_the_migration(
    heyday: Program, empty_database_url: str, words: tuple[str, ...]
) -> None:
    done = heyday(*words, DATABASE_URL=empty_database_url, PORT="0")
    assert_refused(done, "run: heyday db migrate")


@pytest.fixture
async def stranger_url(empty_database_url: str) -> AsyncIterator[str]:
    """A user who may connect to the empty database, and do nothing there."""
    name = f"stranger_{uuid4().hex[:8]}"
    owner = await asyncpg.connect(empty_database_url)
    await owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    await owner.execute("REVOKE CREATE ON SCHEMA public FROM public")
    yield with_login(empty_database_url, name)
    await owner.execute(f"DROP ROLE {name}")
    await owner.close()


@pytest.mark.parametrize("moment", ["soon", "2027-01-14", "2027-01-14T00:00:00", "", "14.1.2027"])
def test_a_moment_without_its_offset_is_refused(
    heyday: Program, database_url: str, moment: str
) -> None:
    assert_refused(heyday(*AT, moment, DATABASE_URL=database_url), "--at", "2027-01-14T00:00:00Z")


@pytest.mark.parametrize("job", ["daily", "minute", "recovery"])
@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-12:00",
        "10000-01-01T00:00:00Z",
    ],
)
def test_a_moment_at_the_end_of_the_calendar_is_refused(
    heyday: Program, database_url: str, job: str, moment: str
) -> None:
    done = heyday("jobs", "run", job, "--at", moment, DATABASE_URL=database_url)
    assert_refused(done, "--at")


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        ("nonsense", "No such command 'nonsense'"),
        ("jobs run yearly", "'daily', 'minute', 'sweep', 'recovery'"),
        ("jobs run", "Missing argument"),
        ("db drop-old-partitions 0", "greater than or equal to 1"),
        ("db drop-old-partitions -1", "No such option: -1"),
        ("db drop-old-partitions 99999999999999999999", "less than or equal to 1200"),
        ("db drop-old-partitions", "Missing argument"),
        ("db create-partitions -1", "No such option: -1"),
        ("db create-partitions 99999", "less than or equal to 1200"),
        ("db create-partitions many", "a valid integer"),
        ("db seed --users 0", "greater than or equal to 1"),
        ("users import", "Missing argument"),
        ("reconcile --jsno", "No such option: --jsno"),
    ],
)
def test_a_command_line_that_is_wrong_is_explained(
    heyday: Program, words: str, phrase: str
) -> None:
    assert_refused(heyday(*words.split()), phrase)


@pytest.mark.parametrize("home", ["a-file/home", "a-file", "/proc/heyday", "x" * 300])
def test_a_home_that_cannot_be_written_is_explained(
    heyday: Program, tmp_path: Path, home: str
) -> None:
    (tmp_path / "a-file").touch()
    assert_refused(heyday("reconcile", HEYDAY_HOME=home), "PostgreSQL could not be started in")


@pytest.mark.parametrize("command", ["api", "up"])
def test_a_port_that_is_taken_is_told(heyday: Program, database_url: str, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = heyday(command, DATABASE_URL=database_url, PORT=str(port))
    assert_refused(done, f"cannot listen on 127.0.0.1 port {port}", "PORT=8001")


@pytest.mark.parametrize("command", ["api", "worker", "scheduler"])
def test_a_port_for_metrics_that_is_taken_is_told(
    heyday: Program, database_url: str, command: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = {"DATABASE_URL": database_url, "PORT": "0", "HEYDAY_METRICS_PORT": str(port)}
        done = heyday(command, **settings)
    assert_refused(
        done, f"cannot listen on 127.0.0.1 port {port}", f"HEYDAY_METRICS_PORT={port + 1}"
    )


def test_a_host_that_is_none_is_told(heyday: Program, database_url: str) -> None:
    done = heyday("api", DATABASE_URL=database_url, PORT="0", HOST="no.such.host.invalid")
    assert_refused(done, "cannot listen on no.such.host.invalid")


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\xff\xfef\x00i\x00r\x00s\x00t\x00", "UTF-16"),
        (b"\x7fELF\x02\x01\x00\x00", "no text at all"),
        (b"Maria,Cantwell,maria@example.com\n", "no header"),
        (b"first_name;last_name;email;timezone\n", "commas"),
        (b"first_name,last_name,email\n", "timezone: is required"),
        (b"first_name,last_name,email,timezone,shoe_size\n", "shoe_size: is not a column"),
        (b"first_name,last_name,email,timezone,email\n", "twice"),
    ],
)
def test_a_file_that_is_none_of_people_is_refused_as_a_whole(
    heyday: Program, database_url: str, tmp_path: Path, content: bytes, phrase: str
) -> None:
    (tmp_path / "people.csv").write_bytes(content)
    done = heyday("users", "import", "people.csv", DATABASE_URL=database_url)
    assert_refused(done, phrase)
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


@pytest.mark.parametrize(
    ("make", "phrase"),
    [
        (lambda path: path.unlink(missing_ok=True), "cannot be read"),
        (Path.mkdir, "is a folder"),
        (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
        (lambda path: path.symlink_to(path), "cannot be read"),
    ],
)
def test_a_path_that_leads_to_no_file_is_refused(
    heyday: Program, database_url: str, tmp_path: Path, make: Callable[[Path], None], phrase: str
) -> None:
    make(tmp_path / "people.csv")
    done = heyday("users", "import", "people.csv", DATABASE_URL=database_url)
    assert_refused(done, "people.csv", phrase)


def test_nothing_is_imported_where_no_report_could_be_written(
    heyday: Program, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text(f"{HEADER}\nAda,Lovelace,ada@example.com,UTC,1815-12-10\n")
    (tmp_path / "people.rejected.csv").mkdir()
    done = heyday("users", "import", "people.csv", DATABASE_URL=database_url)
    assert_refused(done, "people.rejected.csv", "cannot be written")


async def test_rows_that_are_wrong_are_reported_and_the_others_stored(
    database_url: str, tmp_path: Path
) -> None:
    rows = [
        "Ada,Lovelace,ada@example.com,Europe/London,1985-12-10",
        "Alan,Turing,alan@example,Europe/London,1987-06-23",
        "Grace,Hopper,grace@example.com,America/Gotham,1986-12-09",
        "Katherine,Johnson,katherine@example.com,America/New_York,1988-02-30",
        "Mary,Jackson,mary@example.com,America/New_York,1991-04-09,too,many",
        "Dorothy,Vaughan,dorothy@example.com,America/New_York,1990-09-20",
    ]
    (tmp_path / "people.csv").write_text("\n".join([HEADER, *rows]), "utf-8")
    words = ("users", "import", "people.csv", "--json")
    done = run(*words, cwd=tmp_path, DATABASE_URL=database_url)
    assert done.status == 1
    assert "Traceback" not in done.err
    counts = done.json
    assert (counts["imported"], counts["updated"], counts["rejected"]) == (2, 0, 4)
    reported = (tmp_path / "people.rejected.csv").read_text("utf-8").splitlines()
    for line, name, reason in [
        (3, "Alan", "email:"),
        (4, "Grace", "timezone:"),
        (5, "Katherine", "birthday_date:"),
        (6, "Mary", "has 7 fields"),
    ]:
        (row,) = [row for row in reported if row.startswith(name)]
        assert f",{line}," in row
        assert reason in row
    connection = await asyncpg.connect(database_url)
    stored = await connection.fetch("SELECT first_name FROM users ORDER BY 1")
    await connection.close()
    assert [row["first_name"] for row in stored] == ["Ada", "Dorothy"]


def test_a_process_of_its_own_says_the_same(
    tmp_path: Path, database_url: str, stranger_url: str
) -> None:
    nowhere = f"postgresql://heyday:{PASSWORD}@127.0.0.1:1/heyday"
    cases: list[tuple[list[str], dict[str, str], str]] = [
        (["db", "migrate"], {"DATABASE_URL": nowhere}, "check DATABASE_URL"),
        (["db", "migrate"], {"DATABASE_URL": stranger_url}, "PostgreSQL refused a statement"),
        (["up"], {"PORT": "abc"}, "PORT='abc'"),
        ([*AT, "9999-12-31T23:59:59Z"], {"DATABASE_URL": database_url}, "--at"),
        (["db", "drop-old-partitions", "0"], {}, "greater than or equal to 1"),
        (["users", "import", "people.csv"], {}, "cannot be read"),
    ]
    with ThreadPoolExecutor(len(cases)) as pool:
        running = [pool.submit(run, *words, cwd=tmp_path, **more) for words, more, _ in cases]
    for process, (_, _, phrase) in zip(running, cases, strict=True):
        assert_refused(process.result(), phrase)
