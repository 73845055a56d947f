"""What `heyday doctor` says of an installation in which one thing is broken, and what to do."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aio_pika
import asyncpg
import pytest
from typer.testing import CliRunner

from heyday.bootstrap.examining import examine
from heyday.cli.app import app
from heyday.db import migrate
from heyday.domain.checks import Examination, Verdict
from heyday.domain.troubles import Part
from heyday.queue.config import QUEUE
from heyday.services.scheduling import RHYTHMS
from heyday.settings import Settings, load_settings
from heyday.settings.doubts import find_doubts
from tests.mail import Behaviour, MailServer
from tests.rabbitmq import RabbitServer, free_port

# A program of its own reads the clock of the machine.
NOW = datetime.now(UTC)  # noqa: TID251 - as above
PATIENCE = timedelta(seconds=1)
RAN = """
    INSERT INTO job_runs (name, started_at, finished_at, window_start, window_end, is_manual)
    SELECT name, now(), now(), now(), now() + interval '48 hours', false
    FROM unnest($1::text[]) AS name
"""

Execute = Callable[..., None]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def execute(database_url: str) -> Execute:
    """Run a statement in the database."""

    async def run(statement: str, *values: object) -> None:
        connection = await asyncpg.connect(database_url)
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()

    return lambda statement, *values: asyncio.run(run(statement, *values))


@pytest.fixture
def _well(database_url: str, execute: Execute) -> None:
    """An installation that is well: its months are there, and its schedulers have run."""
    asyncio.run(migrate.create_partitions(database_url, NOW, 12))
    execute(RAN, list(RHYTHMS))


def examined() -> Examination:
    return asyncio.run(examine(PATIENCE))


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where everybody is let in, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.usefixtures("_well")
class TestWell:
    """Nothing keeps greetings from leaving."""

    def test_it_says_so_and_exits_with_0(self) -> None:
        result = CliRunner().invoke(app, ["doctor"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert "Problems: 0. Warnings: " in result.output
        assert "ok       partitions" in result.output
        # The tests' own server is not one to keep anything on.
        assert "fsync is off: a power cut may lose what was sent" in result.output
        assert "Greetings go to the inbox of Heyday" in result.output

    def test_every_part_has_its_check(self) -> None:
        result = CliRunner().invoke(app, ["doctor", "--json"], catch_exceptions=False)
        told = json.loads(result.output)
        assert (told["problems"], told["not_looked_at"]) == (False, [])
        own = {Part.REDIS, Part.DISK}
        assert {check["part"] for check in told["checks"]} == set(Part) - own
        assert all(check["todo"] for check in told["checks"] if check["verdict"] != "ok")


PROBLEMS = {
    "this month is gone": (
        f"DROP TABLE message_logs_y{NOW:%Y}m{NOW:%m}",
        (
            Part.PARTITIONS,
            "This month has not all of its partitions",
            "heyday db create-partitions",
        ),
    ),
    "an earlier migration": (
        "UPDATE alembic_version SET version_num = '0001'",
        (Part.MIGRATIONS, "The database has revision 0001", "heyday db migrate"),
    ),
    "nothing was migrated": (
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
        (Part.MIGRATIONS, "The database has revision none", "heyday db migrate"),
    ),
    "failures in a row": (
        (
            "INSERT INTO job_runs (name, started_at, finished_at, error, is_manual) SELECT 'sweep',"
            " now() + n * interval '1 ms', now(), 'DatabaseError', false"
            " FROM generate_series(1, 5) n"
        ),
        (Part.SCHEDULERS, "The last 5 runs of the sweep scheduler", "job_failed"),
    ),
    "a scheduler that stopped": (
        "UPDATE job_runs SET started_at = now() - interval '1 hour' WHERE name = 'minute'",
        (Part.SCHEDULERS, "The minute scheduler has not run when", "heyday scheduler"),
    ),
    "schedulers that never ran": (
        "DELETE FROM job_runs",
        (Part.SCHEDULERS, "never run: daily, minute, sweep, recovery.", "heyday scheduler"),
    ),
    "a plan that ends soon": (
        "UPDATE job_runs SET window_end = now() + interval '1 hour' WHERE name = 'daily'",
        (Part.PLANS, "Greetings are planned up to", "heyday scheduler"),
    ),
}
OVERDUE = """
    INSERT INTO message_logs (user_id, message_type, delivery_date, scheduled_send_time, status,
        idempotency_key, message_content, timezone, tzdb_version, occasion_date, lease_until,
        queued_at)
    SELECT u.id, 'BIRTHDAY', current_date, now() - interval '1 min', '{status}', 'k', 'Hey', 'UTC',
        '{version}', current_date, now() - interval '30 min', now()
    FROM u
"""
PERSON = """
    INSERT INTO users (first_name, last_name, email, timezone, birthday_date, created_at,
        eligible_since)
    VALUES ('Ada', 'Lovelace', 'ada@example.com', 'UTC', '{on:%Y-%m-%d}', '2020-01-01',
        '2020-01-01') RETURNING id
"""
# Born on the day of the last nine o'clock in UTC.
BORN_ON = (NOW - timedelta(hours=9)).replace(year=1988)
WARNINGS = {
    "months are few": (
        "DROP TABLE idempotency_keys_y2027m01",
        (Part.PARTITIONS, "of the coming months have a partition", "heyday db create-partitions"),
    ),
    "people in no zone": (
        """UPDATE job_runs SET counts = '{"unknown_zones": 3}' WHERE name = 'daily'""",
        (Part.ZONES, "3 people have a time zone that nobody knows", "heyday forecast"),
    ),
    "a text that none can use": (
        (
            "INSERT INTO message_texts (message_type, language, subject, text)"
            " VALUES ('BIRTHDAY', 'pt', 'Oi', 'Oi, {{ salary }}')"
        ),
        (Part.TEXTS, "The text of BIRTHDAY in pt cannot be used", "Texts"),
    ),
    "a provider that wants rest": (
        (
            "INSERT INTO provider_pace (provider, tokens, refilled_at, blocked_until)"
            " VALUES ('ses', 0, now(), now() + interval '1 hour')"
        ),
        (Part.SENDERS, "The provider ses asked to be left alone", "HEYDAY_RATE_LIMIT"),
    ),
    "a line of the audit log without a month": (
        (
            "INSERT INTO audit_log (at, actor_kind, actor_name, sql_role, action, subject_ids)"
            " VALUES ('1999-01-01', 'cli', 'x', 'x', 'test.look', '{}')"
        ),
        (Part.PARTITIONS, "Lines of the audit log", "heyday db create-partitions"),
    ),
    "nobody planned for them": (
        PERSON.format(on=BORN_ON),
        (Part.PLANS, "1 greetings were due by the calendar", "heyday jobs run recovery"),
    ),
    "a worker that is gone": (
        f"WITH u AS ({PERSON.format(on=BORN_ON)}) {OVERDUE.format(status='SENDING', version='x')}",
        (Part.BACKLOG, "1 greetings are with workers", "heyday scheduler"),
    ),
    "nobody knows whether it arrived": (
        f"WITH u AS ({PERSON.format(on=BORN_ON)}) {OVERDUE.format(status='UNKNOWN', version='x')}",
        (Part.GREETINGS, "Of 1 greetings nobody knows", "Messages"),
    ),
}


@pytest.mark.usefixtures("_well")
@pytest.mark.parametrize(("statement", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_problem_is_named_with_what_to_do(
    execute: Execute, statement: str, expected: tuple[Part, str, str]
) -> None:
    execute(statement)
    found = examined()
    _expect(found, Verdict.PROBLEM, *expected)
    assert found.has_problem


@pytest.mark.usefixtures("_well")
@pytest.mark.parametrize(("statement", "expected"), WARNINGS.values(), ids=WARNINGS)
def test_a_warning_is_given_with_what_to_do(
    execute: Execute, statement: str, expected: tuple[Part, str, str]
) -> None:
    execute(statement)
    found = examined()
    _expect(found, Verdict.WARNING, *expected)
    assert not found.has_problem


def _expect(found: Examination, verdict: Verdict, part: Part, says: str, todo: str) -> None:
    check = next((check for check in found.checks if says in check.says), None)
    assert check, [each.says for each in found.checks]
    assert (check.part, check.verdict) == (part, verdict)
    assert todo in (check.todo or "")


class TestHosts:
    """Each host that is needed is knocked at, and none is waited for."""

    @pytest.mark.usefixtures("_well")
    def test_a_broker_that_is_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RABBITMQ_URL", f"amqp://127.0.0.1:{free_port()}")
        _expect(examined(), Verdict.WARNING, Part.TRANSPORT, "RabbitMQ does not answer", "Start it")

    @pytest.mark.usefixtures("_well")
    def test_a_broker_that_keeps_silent(
        self, monkeypatch: pytest.MonkeyPatch, silent_port: int
    ) -> None:
        monkeypatch.setenv("RABBITMQ_URL", f"amqp://127.0.0.1:{silent_port}")
        found = in_time()
        _expect(found, Verdict.WARNING, Part.TRANSPORT, "RabbitMQ does not answer", "Start it")
        # What PostgreSQL knows is told all the same.
        assert found.not_looked_at == []

    async def test_a_queue_that_is_not_as_it_should_be(
        self, monkeypatch: pytest.MonkeyPatch, rabbit: RabbitServer
    ) -> None:
        connection = await aio_pika.connect(rabbit.url)
        async with connection:
            channel = await connection.channel()
            await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "classic"})
        monkeypatch.setenv("RABBITMQ_URL", rabbit.url)
        found = await examine(timedelta(seconds=5))
        said = "RabbitMQ holds something else under a name of Heyday's"
        _expect(found, Verdict.WARNING, Part.TRANSPORT, said, "Nothing is lost")

    def test_a_database_that_is_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", f"postgresql://u:hunter2@127.0.0.1:{free_port()}/x")
        found = in_time()
        _expect(
            found, Verdict.PROBLEM, Part.DATABASE, "no connection to PostgreSQL", "sent as soon"
        )
        assert "hunter2" not in str(found)
        blind = {Part.PLANS, Part.SCHEDULERS, Part.PARTITIONS, Part.ZONES, Part.TEXTS}
        assert blind <= set(found.not_looked_at)

    def test_a_database_that_keeps_silent(
        self, monkeypatch: pytest.MonkeyPatch, silent_port: int
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", f"postgresql://u@127.0.0.1:{silent_port}/x")
        _expect(in_time(), Verdict.PROBLEM, Part.DATABASE, "no connection to PostgreSQL", "as soon")

    @pytest.mark.usefixtures("_well")
    def test_a_provider_that_is_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EMAIL_SERVICE_URL", f"http://127.0.0.1:{free_port()}")
        said = "Greetings cannot leave through http: no connection to the provider (ECONNREFUSED)."
        _expect(examined(), Verdict.PROBLEM, Part.SENDERS, said, "firewall")

    @pytest.mark.usefixtures("_well")
    def test_a_provider_that_keeps_silent_where_tls_is_due(
        self, monkeypatch: pytest.MonkeyPatch, silent_port: int
    ) -> None:
        monkeypatch.setenv("EMAIL_SERVICE_URL", f"https://127.0.0.1:{silent_port}")
        said = "no connection to the provider in time"
        _expect(in_time(), Verdict.PROBLEM, Part.SENDERS, said, "firewall")

    async def test_redis_that_answers(
        self, monkeypatch: pytest.MonkeyPatch, redis_url: str
    ) -> None:
        monkeypatch.setenv("REDIS_URL", redis_url)
        found = await examine(PATIENCE)
        assert [c.verdict for c in found.checks if c.part is Part.REDIS] == [Verdict.OK]

    @pytest.mark.usefixtures("_well")
    def test_redis_that_is_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REDIS_URL", f"redis://:hunter2@127.0.0.1:{free_port()}")
        found = examined()
        _expect(found, Verdict.WARNING, Part.REDIS, "Redis cannot be used (Connection", "REDIS_URL")
        assert "hunter2" not in str(found)


def in_time() -> Examination:
    """Examine, and see that nobody was waited for: three parts may each take the patience."""
    began = time.perf_counter()
    found = examined()
    assert time.perf_counter() - began < 10 * PATIENCE.total_seconds()
    return found


class TestMailServer:
    """A mail server is asked to let us in, and is given no letter."""

    async def examine(self, monkeypatch: pytest.MonkeyPatch, password: str) -> Examination:
        async with MailServer(Behaviour(login=("heyday", "right"))) as server:
            url = f"smtp://heyday:{password}@127.0.0.1:{server.port}"
            monkeypatch.setenv("HEYDAY_SMTP_URL", url)
            monkeypatch.setenv("HEYDAY_MAIL_FROM", "greetings@example.com")
            found = await examine(PATIENCE)
            assert server.taken.letters == []
        return found

    async def test_it_lets_us_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = await self.examine(monkeypatch, "right")
        (check,) = [check for check in found.checks if check.part is Part.SENDERS]
        assert check.verdict is Verdict.OK

    async def test_it_does_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = await self.examine(monkeypatch, "wrong")
        said = "Greetings cannot leave through smtp: the mail server answered 535"
        _expect(found, Verdict.PROBLEM, Part.SENDERS, said, "firewall")
        assert "wrong" not in str(found)


class TestSettings:
    """Settings that are wrong, contradict each other, or are for trials."""

    def test_wrong_ones_are_told_and_nothing_else_is_tried(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PORT", "eighty")
        result = CliRunner().invoke(app, ["doctor"], catch_exceptions=False)
        assert result.exit_code == 1
        assert "PORT='eighty'" in result.output
        assert "Not looked at, as what is above stands in the way: database, " in result.output

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("HEYDAY_SAFE_ADDRESS", "me@example.com", "A trial is on"),
            ("HOST", "0.0.0.0", "The API listens on a network"),  # noqa: S104 - nothing is bound
            ("HEYDAY_DEMO", "on", "HEYDAY_DEMO=on brings people"),
            ("HEYDAY_FAILPOINTS", "claim.after_commit=kill#3", "HEYDAY_FAILPOINTS is set"),
            ("HEYDAY_PUBLIC_URL", "http://hey.example.com", "links to unsubscribe can be read"),
        ],
    )
    def test_doubtful_ones_are_told(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
    ) -> None:
        monkeypatch.setenv(name, value)
        assert said in [d.text.partition(said)[1] for d in find_doubts(load_settings())]

    def test_others_who_may_read_secrets_are_told(self, tmp_path: Path) -> None:
        env = tmp_path / ".env"
        env.write_text("HEYDAY_LOG_LEVEL=info\n", "utf-8")
        env.chmod(0o644)
        says = "Others than its owner can read or write .env (its rights are 644)"
        _expect(examined(), Verdict.WARNING, Part.FILES, says, "chmod go-rwx")
        env.chmod(0o600)
        assert [check.verdict for check in examined().checks if check.part is Part.FILES] == ["ok"]

    @pytest.mark.usefixtures("_well")
    def test_a_file_of_texts_that_cannot_be_used(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "birthday.de.txt").write_text("Hallo {{ salary }}", "utf-8")
        monkeypatch.setenv("HEYDAY_TEXTS", str(tmp_path))
        _expect(examined(), Verdict.PROBLEM, Part.TEXTS, "birthday.de.txt", "Put the file right")


def test_where_there_is_no_database_yet_it_is_not_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    found = examined()
    _expect(found, Verdict.WARNING, Part.DATABASE, "There is no database yet", "heyday up")
    assert Part.DISK in {check.part for check in found.checks}
    assert list(tmp_path.iterdir()) == []
