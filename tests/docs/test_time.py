"""Every worked example of docs/time.md is computed again: its instant, and the wall there.

An example is a row of a table of one shape. Where its "what happens" names instants it is a story,
lived through by the whole pipeline on a real database; else the calendar alone decides.
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import Path as ZipPath

import pytest

from heyday.domain.message_types import MESSAGE_TYPES, MessageType
from heyday.domain.policies import TimePolicies
from heyday.domain.spreading import offset_of
from heyday.domain.timezone import TimezoneService, Window
from heyday.domain.tzdb import PINNED, TzDatabase
from heyday.settings import Settings, load_settings
from heyday.settings.by_type import prefix_of
from tests.docs.pages import ROOT, code, page
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock, RecordingSender

PAGE = page("docs/time.md")
SHAPE = ("person", "date", "zone", "setting", "what happens", "leaves, UTC", "on their clock")
TYPES = {message_type.name.lower(): message_type for message_type in MESSAGE_TYPES}
DAY = timedelta(days=1)
# A story is watched for as long after its last step; shorter than a year, so no date comes twice.
WATCHED = 250 * DAY
LEAP_DAY = 229
FORMER = TzDatabase(ZipPath(ROOT / "tests/data/tzdata-2025.2-py2.py3-none-any.whl", "tzdata/"))
RELEASES = {f"release {tzdb.version}": tzdb for tzdb in (FORMER, PINNED)}
INSTANT = re.compile(r"`(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?)`")
BECOMES = re.compile(rf"{INSTANT.pattern}|(SKIPPED|CANCELLED)")
STEP = re.compile(rf"{INSTANT.pattern} (joins|stops|returns|moves to|becomes)(?: `([^`]+)`)?")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def on_the_wall(name: str, at: datetime, tzdb: TzDatabase = PINNED) -> str:
    return shown(at.astimezone(tzdb.load(name)))


@dataclass(frozen=True, slots=True)
class Example:
    """Hold one row."""

    person: str
    message_type: MessageType
    date: str
    zone: str
    settings: tuple[str, ...]
    happens: str
    leaves: str
    clock: str

    @property
    def tzdb(self) -> TzDatabase:
        """Return the release that the row is about: the pinned one, unless it names another."""
        return next((RELEASES[name] for name in self.settings if name in RELEASES), PINNED)

    @property
    def steps(self) -> list[tuple[datetime, str, str]]:
        """Return what is done when, with what; none where the calendar alone decides."""
        return [(utc(at), verb, what) for at, verb, what in STEP.findall(self.happens)]

    @property
    def becomes(self) -> list[str]:
        """Return what the row says of each greeting: when it leaves, or how else it ends."""
        return [at or ending for at, ending in BECOMES.findall(self.leaves)]

    @property
    def person_id(self) -> str:
        """Return the id that a row of the same person names."""
        found = re.search(rf"^\| {self.person} \|.*\bid `([0-9a-f-]+)`", PAGE.text, re.MULTILINE)
        return found.group(1) if found else ""

    @property
    def month_day(self) -> int:
        """Return month * 100 + day of the date."""
        return int(self.date[-5:].replace("-", ""))

    @property
    def year(self) -> int:
        """Return the year that the row is about."""
        found = re.search(r"\d{4}", self.clock)
        assert found, f"{self.person}: no year in {self.clock!r}"
        return int(found.group())


def read_example(row: tuple[str, ...]) -> Example:
    """Read a row: "birthday `1990-01-14`" in the second column says which date is meant."""
    person, dated, zone, setting, happens, leaves, clock = row
    kind, _, on = dated.partition(" ")
    return Example(
        person,
        TYPES[kind],
        code(on)[0],
        code(zone)[0],
        tuple(code(setting)),
        happens,
        leaves,
        clock,
    )


EXAMPLES = [read_example(row) for table in PAGE.tables(*SHAPE) for row in table.rows]
CALENDAR = [example for example in EXAMPLES if not example.steps]
STORIES = [example for example in EXAMPLES if example.steps]


def ident(example: Example) -> str:
    return "-".join([example.person, example.zone, *example.settings])


@pytest.fixture
def policies(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TimePolicies:
    """The policies in force with the settings of an example and no others."""
    example: Example = request.getfixturevalue("example")
    monkeypatch.chdir(tmp_path)
    for name in (str(field.alias) for field in Settings.model_fields.values()):
        monkeypatch.delenv(name, raising=False)
    for setting in set(example.settings) - RELEASES.keys():
        monkeypatch.setenv(*setting.split("=", 1))
    return load_settings().policies(example.message_type.name)


# --- Where the calendar decides ----------------------------------------------------------------


def leave_in(year: int, example: Example, policies: TimePolicies) -> Iterator[datetime]:
    """Yield the instants at which somebody of this date and zone is greeted in a year."""
    window = Window(
        datetime(year, 1, 1, tzinfo=UTC) - 2 * DAY, datetime(year + 1, 1, 1, tzinfo=UTC) + 2 * DAY
    )
    service = TimezoneService(policies, example.tzdb)
    for day in service.zone_days([example.zone], window, window.start_at):
        if day.month_day == example.month_day and day.delivery_on.year == year:
            key = f"{example.person_id}:{example.message_type.name}:{day.delivery_on}"
            yield day.send_at + offset_of(key, day.spread)


@pytest.mark.parametrize("example", CALENDAR, ids=ident)
def test_a_greeting_leaves_when_the_page_says(example: Example, policies: TimePolicies) -> None:
    found = list(leave_in(example.year, example, policies))
    assert [shown(at) for at in found] == example.becomes
    shown_there = [on_the_wall(example.zone, at, example.tzdb) for at in found]
    assert shown_there == INSTANT.findall(example.clock)
    assert found or (example.leaves, example.clock) == ("none", f"none in {example.year}")


# --- Where somebody does something -------------------------------------------------------------


class Life:
    """Live through a story: people are edited, Heyday stops and returns, and else it runs."""

    def __init__(self, pipeline: Pipeline, clock: FakeClock, example: Example) -> None:
        self._pipeline = pipeline
        self._clock = clock
        self._example = example
        self._runs = True
        self._zone = example.zone
        self._date = example.date

    async def live(self) -> None:
        """Take each step at its instant, and run until the next."""
        steps = self._example.steps
        ends = [at for at, _, _ in steps[1:]] + [steps[-1][0] + WATCHED]
        for (at, verb, what), until in zip(steps, ends, strict=True):
            self._clock.set(at)
            await self._take(verb, what)
            if self._runs:
                await self._run(until)

    async def _take(self, verb: str, what: str) -> None:
        column = self._example.message_type.date_column
        match verb:
            case "joins":
                await self._pipeline.create(timezone=self._zone, **{column: self._date})
            case "moves to":
                self._zone = what
                await self._patch(timezone=what)
            case "becomes":
                self._date = what
                await self._patch(**{column: what})
            case _:
                self._runs = verb == "returns"

    async def _patch(self, **fields: object) -> None:
        (person,) = await self._pipeline.users.list_page(None, 2)
        await self._pipeline.users.patch(person.id, fields)

    async def _run(self, until: datetime) -> None:
        await self._pipeline.daily.run_once()
        await self._turn()
        while (at := await self._next_at(until)) < until:
            await self._plan_before(at)
            self._clock.set(at)
            await self._turn()
        await self._plan_before(until)

    async def _plan_before(self, at: datetime) -> None:
        """Plan what the last daily run before an instant would; those in between are left out."""
        self._clock.set(max(self._clock.now(), at - DAY))
        await self._pipeline.daily.run_once(self._clock.now())

    async def _turn(self) -> None:
        await self._pipeline.recovery.run_once()
        await self._pipeline.send_due()

    async def _next_at(self, until: datetime) -> datetime:
        """Return when something leaves next: by a row that is there, or by the calendar."""
        now = self._clock.now()
        planned = await self._pipeline.value(
            "SELECT min(scheduled_send_time) FROM message_logs WHERE scheduled_send_time > $1", now
        )
        month, day = int(self._date[-5:-3]), int(self._date[-2:])
        window = Window(now + timedelta(minutes=1), until)
        days = self._pipeline.timezones.zone_days([self._zone], window, now)
        due = (d.send_at for d in days if d.month_day == month * 100 + day)
        return min(planned or until, next(due, until))


def ending(row: dict[str, object]) -> str:
    """Return how a greeting ended: when it was sent, or its status."""
    at = row["actual_send_time"]
    return shown(at) if isinstance(at, datetime) else str(row["status"])


@pytest.mark.parametrize("example", STORIES, ids=ident)
async def test_a_story_ends_as_the_page_says(
    example: Example, policies: TimePolicies, database_url: str, sender: RecordingSender
) -> None:
    clock = FakeClock(example.steps[0][0])
    config = PipelineConfig(time=policies)
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await Life(pipeline, clock, example).live()
        rows = [dict(row) for row in await pipeline.messages()]
    assert [ending(row) for row in rows] == example.becomes
    sent = [(row["timezone"], row["actual_send_time"]) for row in rows if row["status"] == "SENT"]
    assert [on_the_wall(zone, at) for zone, at in sent] == INSTANT.findall(example.clock)
    assert bool(sent) == (example.clock != "none")
    assert len(sender.sent) == len(sent)


# --- The page ----------------------------------------------------------------------------------


def test_every_example_is_computed() -> None:
    assert len(CALENDAR) > 20
    assert len(STORIES) > 10
    # A table with these first columns and others after them would go unchecked.
    tables = [line for line in PAGE.text.splitlines() if line.startswith("| person |")]
    assert tables == ["| " + " | ".join(SHAPE) + " |"] * len(tables)
    for example in STORIES:
        assert len(example.steps) == len(INSTANT.findall(example.happens)), example.happens
    assert all(example.becomes or example.leaves == "none" for example in EXAMPLES)


def test_the_page_tells_every_choice_of_every_policy() -> None:
    own = {setting.partition("=")[0] for example in EXAMPLES for setting in example.settings}
    for name in (
        "SPREAD", "LEAP_DAY", "MISSING_DATE", "GAP", "OVERLAP", "LATE_WINDOW", "LATE_JOIN",
    ):  # fmt: skip
        assert f"`HEYDAY_{name}`" in PAGE.text
        assert any(setting.endswith(name) for setting in own), name
    assert "SEND_TIME" in own
    assert {f"{prefix_of(t.name)}SEND_TIME" for t in MESSAGE_TYPES} <= own


def test_the_page_names_the_release_that_its_examples_are_computed_with() -> None:
    assert f"release {PINNED.version}" in PAGE.text


def test_a_page_for_support_is_short() -> None:
    assert len(PAGE.text.splitlines()) <= 350


def test_29_february_is_shown_in_a_common_year_and_in_a_leap_year() -> None:
    assert {calendar.isleap(e.year) for e in CALENDAR if e.month_day == LEAP_DAY} == {True, False}
