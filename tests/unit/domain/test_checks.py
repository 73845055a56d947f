"""Troubles become checks, and parts without any are said to be well."""

from heyday.domain.checks import WELL, Check, Verdict, conclude
from heyday.domain.troubles import Level, Part, Trouble

WRONG = Trouble(Part.DATABASE, Level.WARNING, "%(name)s is off", "Put it on.", {"name": "fsync"})
AWAY = Trouble(Part.DATABASE, Level.ALARM, "It is away", "Start it.")


def test_every_part_has_words_for_when_it_is_well() -> None:
    assert [part for part in Part if part not in WELL] == []


def test_parts_come_in_their_order_each_with_its_troubles_or_well() -> None:
    found = conclude([WRONG, AWAY], {Part.TEXTS, Part.SETTINGS, Part.DATABASE}, set(Part))
    assert found.checks == [
        Check(Part.SETTINGS, Verdict.OK, WELL[Part.SETTINGS]),
        Check(Part.DATABASE, Verdict.WARNING, "fsync is off", "Put it on."),
        Check(Part.DATABASE, Verdict.PROBLEM, "It is away", "Start it."),
        Check(Part.TEXTS, Verdict.OK, WELL[Part.TEXTS]),
    ]
    assert found.has_problem


def test_a_warning_is_no_problem() -> None:
    assert not conclude([WRONG], set(), set()).has_problem


def test_what_was_wanted_and_not_looked_at_is_named() -> None:
    found = conclude([WRONG], {Part.SETTINGS}, {Part.SETTINGS, Part.DATABASE, Part.PLANS})
    assert found.not_looked_at == [Part.PLANS]
