"""Judge what is planned: how far, by which tz database, and whom it leaves out."""

from collections.abc import Iterable, Iterator

from heyday.domain.condition_facts import Facts
from heyday.domain.thresholds import OLD_TZDB_YEARS, PLAN_ENDS, PLAN_SHORT
from heyday.domain.troubles import Level, Part, Trouble, _
from heyday.domain.wall_clock import write_instant


def of_plans(facts: Facts) -> Iterator[Trouble]:
    """Tell whether the plan reaches into the future, and has everybody."""
    until = facts.standing.planned_until if facts.standing else None
    if until and until - facts.now < PLAN_SHORT:
        yield Trouble(
            Part.PLANS,
            Level.ALARM if until - facts.now < PLAN_ENDS else Level.WARNING,
            _("Greetings are planned up to %(until)s only."),
            _("The daily run plans ahead: see that `heyday scheduler` runs, and look at its log."),
            {"until": write_instant(until)},
        )
    if facts.unplanned:
        yield Trouble(
            Part.PLANS,
            Level.WARNING,
            _("%(unplanned)s greetings were due by the calendar, and have no plan."),
            _("`heyday jobs run recovery` plans what was missed."),
            {"unplanned": facts.unplanned},
        )


def of_zones(facts: Facts) -> Iterator[Trouble]:
    """Tell whether the tz database is that of the plans, and of this time."""
    ours = facts.tzdb_version
    if facts.now.year - int(ours[:4]) >= OLD_TZDB_YEARS:
        yield Trouble(
            Part.ZONES,
            Level.WARNING,
            _("The tz database is %(version)s: clocks have been changed somewhere since."),
            _("Install a newer release of Heyday, or of its package tzdata."),
            {"version": ours},
        )
    if facts.standing:
        yield from _of_versions(ours, facts.standing.tzdb_versions)
    if facts.database and facts.database.lost_people:
        yield Trouble(
            Part.ZONES,
            Level.WARNING,
            _("%(people)s people have a time zone that nobody knows, and are not greeted."),
            _("`heyday forecast` names the zones: correct them, by hand or by an import."),
            {"people": facts.database.lost_people},
        )


def _of_versions(ours: str, planned: Iterable[str]) -> Iterator[Trouble]:
    if any(version > ours for version in planned):
        yield Trouble(
            Part.ZONES,
            Level.WARNING,
            _("Another process goes by a newer tz database than %(version)s, which this one has."),
            _("Install the same release of Heyday everywhere, and restart what runs."),
            {"version": ours},
        )
    if any(version < ours for version in planned):
        yield Trouble(
            Part.ZONES,
            Level.WARNING,
            _("Greetings are planned by an older tz database than %(version)s."),
            _("Restart `heyday scheduler`: it times them anew."),
            {"version": ours},
        )
