"""Hold an outage drill against the runbook, and what was sent against what was to be sent."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.drills.runbook import Chapter
from tests.drills.timeline import Firing, Ran, Stage

# What a window of days needs to forget an hour; no drill waits for that.
LONGEST_WAIT = timedelta(hours=1)
# Alerts of one evaluation are seen in any order.
_EVALUATION = 15.0


@dataclass(frozen=True, slots=True)
class Point:
    """Hold one thing that was to be. faults: what is wrong with it."""

    name: str
    faults: Sequence[str]


def review_alerts(
    stages: Sequence[Stage],
    chapters: Mapping[str, Chapter],
    firings: Sequence[Firing],
    ended_at: float,
    *,
    is_timed: bool,
) -> list[Point]:
    """Return whether alerts fired and cleared as the page says, fault by fault.

    is_timed: whether faults and rules lasted as they really do, so that times count as well.
    """
    began = [stage.began_at for stage in stages]
    early = [firing.alert for firing in firings if firing.fired_at < began[0]]
    points = [Point("no alert fires before the first fault", early)]
    for stage, until in zip(stages, [*began[1:], math.inf], strict=True):
        own = [firing for firing in firings if stage.began_at <= firing.fired_at < until]
        chapter = chapters[stage.title]
        found = {
            "the alerts of the runbook fire": _find_silent(stage, chapter, own, is_timed),
            "no others do": _find_others(chapter, own),
        }
        points += [Point(f"{stage.title}: {name}", list(faults)) for name, faults in found.items()]
    lasting = list(_find_lasting(stages, chapters, firings, ended_at, is_timed))
    return [*points, Point("alerts clear", lasting)]


def _find_silent(
    stage: Stage,
    chapter: Chapter,
    firings: Sequence[Firing],
    is_timed: bool,  # noqa: FBT001 - passed on
) -> Iterator[str]:
    """Yield each alert that did not fire, or came too late, or before the one that leads it."""
    first = {firing.alert: firing.fired_at for firing in reversed(firings)}
    last = 0.0
    for expected in chapter.alerts:
        if expected.alert not in first:
            if expected.fires_within is not None:
                yield f"{expected.alert} did not fire"
            continue
        if not is_timed or expected.fires_within is None:
            continue
        after = first[expected.alert] - stage.began_at
        if after > expected.fires_within.total_seconds():
            yield f"{expected.alert} fired after {after:.0f} s, not within {expected.fires_within}"
        if after < last - _EVALUATION:
            yield f"{expected.alert} fired before the one that the page has above it"
        last = after


def _find_others(chapter: Chapter, firings: Sequence[Firing]) -> Iterator[str]:
    there = {expected.alert for expected in chapter.alerts}
    for firing in firings:
        if firing.alert not in there:
            yield f"{firing.alert} fired, which the page does not expect"


def _find_lasting(
    stages: Sequence[Stage],
    chapters: Mapping[str, Chapter],
    firings: Sequence[Firing],
    ended_at: float,
    is_timed: bool,  # noqa: FBT001 - passed on
) -> Iterator[str]:
    """Yield each alert that did not clear, or too late. One that takes hours may last.

    What more than one fault causes clears after the last of them.
    """
    for firing in firings:
        cleared_at = firing.cleared_at or ended_at
        causes = [
            (stage, expected.clears_within)
            for stage in stages
            for expected in chapters[stage.title].alerts
            if expected.alert == firing.alert and stage.began_at < cleared_at
        ]
        if not causes:
            continue  # said already: nobody expected it
        stage, bound = causes[-1]
        after = cleared_at - stage.came_back_at
        if firing.cleared_at is None and bound <= LONGEST_WAIT:
            yield f"{firing.alert} still fires, {after:.0f} s after '{stage.title}' was over"
        elif is_timed and after > bound.total_seconds():
            yield f"{firing.alert} cleared {after:.0f} s after '{stage.title}', not within {bound}"


def review_commands(
    chapters: Mapping[str, Chapter], stages: Sequence[Stage], commands: Sequence[Ran]
) -> list[Point]:
    """Return whether each command of the page was run and ended well, and people were due."""
    points = []
    for title, chapter in chapters.items():
        own = [command for command in commands if command.chapter == title]
        wanted = [(heading, line) for heading, some in chapter.commands.items() for line in some]
        missed = set(wanted) - {(command.heading, command.line) for command in own}
        faults = [f"{line} was not run" for _, line in sorted(missed)]
        faults += [f"{c.line} ended with status {c.status}" for c in own if c.status]
        points.append(Point(f"{title}: the runbook's {len(wanted)} commands end well", faults))
    for stage in stages:
        faults = [] if stage.due else ["none did"]
        points.append(Point(f"{stage.title}: greetings fall due in it ({stage.due})", faults))
    return points
