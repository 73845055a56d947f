from uuid import UUID

import pytest
from litestar.datastructures import FormMultiDict

from heyday.domain.errors import InvalidInput
from heyday.web.message_forms import MOST_IDS, read_bulk, read_note

ONE, TWO = UUID(int=1), UUID(int=2)


def form(*pairs: tuple[str, object]) -> FormMultiDict:
    return FormMultiDict([(name, str(value)) for name, value in pairs])


def test_the_chosen_ones_are_taken_once_each():
    read = read_bulk(form(("do", "cancel"), ("ids", ONE), ("ids", TWO), ("ids", ONE)))
    assert (read.ids, read.is_for_all, read.agreed) == ((ONE, TWO), False, None)


def test_all_that_fit_need_no_choice_and_take_none():
    given = form(("do", "retry"), ("which", "all"), ("ids", ONE), ("agreed", "7"), ("late", "1"))
    read = read_bulk(given)
    assert (read.ids, read.is_for_all, read.agreed, read.filter["late"]) == ((), True, 7, "1")


@pytest.mark.parametrize("agreed", ["", "-1", "7.5", "\u0663", "many"])
def test_a_yes_is_a_number(agreed: str):
    given = form(("do", "cancel"), ("which", "all"), ("agreed", agreed))
    assert read_bulk(given).agreed is None


@pytest.mark.parametrize(
    ("pairs", "field"),
    [
        ([("do", "explode"), ("which", "all")], "do"),
        ([("which", "all")], "do"),
        ([("do", "cancel")], "ids"),
        ([("do", "cancel"), ("ids", "ada")], "ids"),
        ([("do", "cancel"), *[("ids", UUID(int=n)) for n in range(MOST_IDS + 1)]], "ids"),
    ],
)
def test_what_makes_no_sense_is_refused(pairs: list[tuple[str, object]], field: str):
    with pytest.raises(InvalidInput) as refused:
        read_bulk(form(*pairs))
    assert [problem.field for problem in refused.value.problems] == [field]


def test_a_note_that_says_nothing_is_none():
    assert read_note(form(("note", "  "))) is None
    assert read_note(form()) is None
    assert read_note(form(("note", " in its log "))) == "in its log"
