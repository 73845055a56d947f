"""Which peers there are, and how each is run; docs/adr/0036-peers.md says why so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

HEYDAY = "Heyday"
PROGRAMS = "benchmarks.peers.programs"
# One for each core, as Heyday has; the server and the provider share them.
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Peer:
    """Hold how one is run.

    program: the module of programs/.   packages: what it consists of.   worker: the command of
    each of `copies` processes, with `{number}` for its own.   prepare: commands that come before.
    left: how many jobs are not done, in SQL; without it RabbitMQ is asked.   enqueues: at least so
    many a second.   at_most: greetings that it takes a few minutes for; None: as many as all.
    """

    name: str
    program: str
    packages: Sequence[str]
    worker: Sequence[str]
    copies: int = WORKERS
    prepare: Sequence[Sequence[str]] = ()
    left: str = ""
    enqueues: int = 700
    at_most: int | None = None

    @property
    def command(self) -> str:
        """Return how a worker is started, for people."""
        return " ".join(self.worker).replace(f"{PROGRAMS}.", "")

    def run_by(self, command: str) -> "Peer":
        """Return it with another command of its workers, as `command` shows one."""
        return replace(self, worker=_words(command.replace("with_", "PROGRAMS.with_")))

    def share(self, greetings: int) -> int:
        """Return how many of so many it is given."""
        return min(greetings, self.at_most or greetings)


def _words(text: str) -> Sequence[str]:
    return [word.replace("PROGRAMS", PROGRAMS) for word in text.split()]


PEERS: Sequence[Peer] = (
    Peer(
        "PgQueuer",
        "with_pgqueuer",
        ("pgqueuer", "asyncpg", "aiohttp"),
        _words("pgq run PROGRAMS.with_pgqueuer:create --batch-size 100 --max-concurrent-tasks 200"),
        prepare=(_words("pgq install"), _words("pgq autovac")),
        left="SELECT count(*) FROM pgqueuer",
        enqueues=5_000,
    ),
    Peer(
        "Celery",
        "with_celery",
        ("celery", "kombu", "urllib3"),
        _words(
            "celery -A PROGRAMS.with_celery worker -P threads -c 16 -n {number}@%h -l WARNING "
            "--without-gossip --without-mingle --without-heartbeat"
        ),
        at_most=20_000,
    ),
    Peer(
        "Dramatiq",
        "with_dramatiq",
        ("dramatiq", "pika", "urllib3"),
        _words("dramatiq PROGRAMS.with_dramatiq -p 2 -t 8"),
        copies=1,  # which starts two
        enqueues=1_500,
    ),
    Peer(
        "Procrastinate",
        "with_procrastinate",
        ("procrastinate", "psycopg", "aiohttp"),
        _words("procrastinate --app=PROGRAMS.with_procrastinate.app worker -c 20 -p 0.1"),
        prepare=(_words("procrastinate --app=PROGRAMS.with_procrastinate.app schema --apply"),),
        left="SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'",
        at_most=10_000,
    ),
)
BY_NAME: Mapping[str, Peer] = {peer.name: peer for peer in PEERS}
