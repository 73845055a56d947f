"""Every promise, after every step of whatever may happen, and when all has come to rest.

A few runs, for whoever changes something; `make model` makes more.
"""

from datetime import timedelta

from tests.model.machine import KEY_LIFETIMES, STARTS, Machine, runs

TestModel = Machine.TestCase
TestModel.settings = runs(examples=100, steps=100)


def test_who_was_changed_by_sql_in_a_long_absence_is_not_owed_by_an_edit_of_nothing() -> None:
    zone, unchanged = "Pacific/Auckland", None
    state = Machine()
    state.begin(STARTS[0], (KEY_LIFETIMES[0], 1), frozenset(), timedelta(), zone)
    state.promises_hold()
    state.edit_by_sql(0, "birthday_date", 1, zone)
    state.promises_hold()
    # Longer than recovery looks back.
    state.advance(timedelta(days=2), None)
    state.promises_hold()
    state.edit(0, "anniversary_date", unchanged, 0, zone)
    state.promises_hold()
    state.teardown()
