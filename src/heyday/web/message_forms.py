"""Read the forms by which a person decides about greetings."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from litestar.datastructures import FormMultiDict

from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.web.message_query import FIELDS
from heyday.web.message_words import DEEDS, Deed

MOST_IDS = 1_000
"""How many greetings a form may name; more are decided about by their filter."""


@dataclass(frozen=True, slots=True)
class BulkForm:
    """Hold what is to be done to which greetings.

    ids: those that were chosen; empty: all that fit the filter.   agreed: how many the person was
    told of; None: they were not asked yet.
    """

    deed: Deed
    ids: tuple[UUID, ...]
    is_for_all: bool
    filter: Mapping[str, str]
    note: str | None
    agreed: int | None


def read_note(form: FormMultiDict) -> str | None:
    """Return why somebody decided so; None if they did not say."""
    return str(form.get("note", "")).strip() or None


def read_bulk(form: FormMultiDict) -> BulkForm:
    """Return what a form asks for. Raises InvalidInput."""
    problems = []
    deed = DEEDS.get(str(form.get("do", "")))
    if deed is None:
        problems.append(FieldProblem("do", f"expected one of: {', '.join(DEEDS)}"))
    ids, is_for_all = _ids(form), form.get("which") == "all"
    if ids is None:
        problems.append(FieldProblem("ids", f"expected up to {MOST_IDS} ids of greetings"))
    elif not ids and not is_for_all:
        problems.append(
            FieldProblem("ids", "choose greetings on the list, or all that fit the filter")
        )
    agreed = str(form.get("agreed", ""))
    if problems or deed is None or ids is None:
        raise InvalidInput(problems)
    return BulkForm(
        deed=deed,
        ids=() if is_for_all else ids,
        is_for_all=is_for_all,
        filter={name: str(form.get(name, "")) for name in FIELDS},
        note=read_note(form),
        agreed=int(agreed) if agreed.isascii() and agreed.isdigit() else None,
    )


def _ids(form: FormMultiDict) -> tuple[UUID, ...] | None:
    given = form.getall("ids", [])
    if len(given) > MOST_IDS:
        return None
    try:
        return tuple(dict.fromkeys(UUID(str(each)) for each in given))
    except ValueError:
        return None
