"""Read what a person decides about a message, and name every field that is wrong at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from heyday.api.message_shapes import DECISIONS
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.transitions import Status


@dataclass(frozen=True, slots=True)
class Decision:
    """Hold what a message is to become, and why."""

    target: Status
    note: str | None


def read_resolution(body: Mapping[str, object]) -> Decision:
    """Return the decision in the body of POST .../resolve. Raises InvalidInput."""
    problems = _unknown(body, ("as", "note"))
    chosen = body.get("as")
    target = DECISIONS.get(chosen) if isinstance(chosen, str) else None
    if target is None:
        problems.append(FieldProblem("as", f"expected one of: {', '.join(DECISIONS)}"))
    note = _read_note(body, problems)
    if problems or target is None:
        raise InvalidInput(problems)
    return Decision(target, note)


def read_cancellation(body: Mapping[str, object]) -> Decision:
    """Return the decision in the body of POST .../cancel, whose note is needed.

    Raises InvalidInput.
    """
    problems = _unknown(body, ("note",))
    note = _read_note(body, problems)
    if note is None and not problems:
        problems.append(FieldProblem("note", "say why: it stands in the message for good"))
    if problems:
        raise InvalidInput(problems)
    return Decision(Status.CANCELLED, note)


def _unknown(body: Mapping[str, object], known: tuple[str, ...]) -> list[FieldProblem]:
    expected = " and ".join(known)
    detail = f"is no field of this body, which takes {expected}"
    return [FieldProblem(name, detail) for name in body if name not in known]


def _read_note(body: Mapping[str, object], problems: list[FieldProblem]) -> str | None:
    note = body.get("note")
    if isinstance(note, str):
        return note
    if "note" in body:
        problems.append(FieldProblem("note", "is not a text"))
    return None
