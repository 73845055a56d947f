"""Judge PostgreSQL: whether its schema is of this release, and whether it is set up to be safe."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from heyday.domain.condition_ports import SchemaFacts, ServerFacts
from heyday.domain.thresholds import FULL, SLOW_ANSWER
from heyday.domain.troubles import Level, Part, Trouble, _

_OLDEST, _NEWEST = 15, 18
_A_MAJOR_VERSION = 10_000
# Beside its pool, a process listens for news over a connection of its own.
_LISTENING = 1
_SAFE: Final = (
    ("fsync", _("fsync is off: a power cut may lose what was sent, and send it again.")),
    ("full_page_writes", _("full_page_writes is off: a power cut may leave torn pages behind.")),
    (
        "synchronous_commit",
        _("synchronous_commit is off: a crash may forget the last second, and send it again."),
    ),
    ("autovacuum", _("autovacuum is off: tables grow, and statements become slow.")),
)


def of_schema(schema: SchemaFacts) -> Iterator[Trouble]:
    """Tell whether a migration is missing."""
    if schema.is_behind:
        yield Trouble(
            Part.MIGRATIONS,
            Level.ALARM,
            _("The database has revision %(revision)s; this release needs %(newest)s."),
            _("Bring it up to date: heyday db migrate."),
            {"revision": schema.revision or "none", "newest": schema.newest},
        )


def of_server(server: ServerFacts) -> Iterator[Trouble]:
    """Tell what is wrong with how the server is set up."""
    yield from _of_version(server)
    if server.is_replica:
        yield Trouble(
            Part.DATABASE,
            Level.ALARM,
            _("DATABASE_URL leads to a replica, which takes no writes: nothing can be sent."),
            _("Set DATABASE_URL to the primary."),
        )
    for name, says in _SAFE:
        if server.settings.get(name) == "off":
            todo = _("In PostgreSQL: ALTER SYSTEM RESET {}; SELECT pg_reload_conf().").format(name)
            yield Trouble(Part.DATABASE, Level.WARNING, says, todo)
    if server.settings.get("server_encoding", "UTF8") != "UTF8":
        yield Trouble(
            Part.DATABASE,
            Level.WARNING,
            _("The database is not in UTF-8 but %(encoding)s: not every name fits into it."),
            _("Make one in UTF-8: createdb -E UTF8 -T template0 NAME; and move over by pg_dump."),
            {"encoding": server.settings["server_encoding"]},
        )
    if server.took > SLOW_ANSWER:
        yield Trouble(
            Part.DATABASE,
            Level.WARNING,
            _("PostgreSQL took %(milliseconds)s ms for a small question."),
            _("Look at its load, and at the network between; Heyday belongs next to it."),
            {"milliseconds": server.took // timedelta(milliseconds=1)},
        )
    yield from _of_connections(server)


def _of_version(server: ServerFacts) -> Iterator[Trouble]:
    major = int(server.settings.get("server_version_num", 0)) // _A_MAJOR_VERSION
    if major and not _OLDEST <= major <= _NEWEST:
        yield Trouble(
            Part.DATABASE,
            Level.ALARM if major < _OLDEST else Level.WARNING,
            _("PostgreSQL is of version %(major)s; Heyday is made for %(oldest)s to %(newest)s."),
            _("Upgrade whichever of the two is older."),
            {"major": major, "oldest": _OLDEST, "newest": _NEWEST},
        )


def _of_connections(server: ServerFacts) -> Iterator[Trouble]:
    settings = server.settings
    if "max_connections" not in settings:
        return
    reserved = int(settings.get("superuser_reserved_connections", 0))
    room, wanted = int(settings["max_connections"]) - reserved, server.pool_max + _LISTENING
    values = {"room": room, "sessions": server.sessions, "wanted": wanted}
    if wanted > room:
        yield Trouble(
            Part.DATABASE,
            Level.ALARM,
            _("PostgreSQL takes %(room)s connections; one process of Heyday wants %(wanted)s."),
            _("Raise max_connections of PostgreSQL, or lower HEYDAY_POOL_MAX."),
            values,
        )
    elif server.sessions > room * FULL:
        yield Trouble(
            Part.DATABASE,
            Level.WARNING,
            _("%(sessions)s of the %(room)s connections that PostgreSQL takes are in use."),
            _("Raise max_connections, lower HEYDAY_POOL_MAX, or put a pooler before it."),
            values,
        )
