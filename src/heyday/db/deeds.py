"""Tell PostgreSQL, in the messages that begin and end a transaction, whose deed it is.

Its triggers then note what became of people, and at the end the deed is noted if nothing else was.
Neither costs a round trip, and no code in between can forget it.
"""

import json

from heyday.domain.audit import DEED, Deed
from heyday.domain.transactions import is_apart

# How asyncpg begins and ends a transaction. The tests of the audit log fail if that changes.
BEGIN, COMMIT = "BEGIN;", "COMMIT;"
BEGINNING, READ_ONLY = "BEGIN", "READ ONLY"


def current() -> Deed | None:
    """Return the deed that a transaction of the present step belongs to."""
    return None if is_apart() else DEED.get()


def begun(statement: str) -> str:
    """Return a statement that begins a transaction, with what it is to know of the deed."""
    deed = current()
    if deed is None:
        return statement
    return f"{statement} SET LOCAL heyday.deed = {_literal(_described(deed))};"


def ending() -> str:
    """Return COMMIT, preceded by a note of the deed unless the log has it."""
    deed = current()
    if deed is None or not deed.is_write or deed.is_noted:
        return COMMIT
    subjects = "{" + ",".join(map(str, deed.subject_ids)) + "}"
    return f"SELECT note_deed('{subjects}'); {COMMIT}"


def note_commit() -> None:
    """Remember that the log has the deed: a transaction of it was committed."""
    deed = current()
    if deed is not None and deed.is_write:
        deed.is_noted = True


def _described(deed: Deed) -> str:
    actor = deed.actor
    given = {
        "kind": actor.kind.value,
        "id": str(actor.id) if actor.id else None,
        "name": actor.name,
        "address": actor.address,
        "action": deed.action,
        "request_id": deed.request_id,
    }
    return json.dumps({name: value for name, value in given.items() if value is not None})


def _literal(text: str) -> str:
    """Quote a text for SQL, whatever standard_conforming_strings says."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
