"""Any edits at any moments, any answers of the provider: never twice, never wrong, never nothing.

A state machine lives through two weeks of one person's life on a real database, beside a model in
a few lines of what is owed. Everything runs in time here; outages stand in test_edit_table.py.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import ClaimedMessage
from heyday.domain.tzdb import TzDatabase
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock
from tests.integration.services.stages import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    TimedSender,
    by_sql,
    few_zones,
    live_on,
    run_all,
)
from tests.postgres import Administrator, database_at

T = TypeVar("T")
NINE_LOCAL = time(9)
ZONES = st.sampled_from(
    ["Europe/London", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Etc/GMT+12"]
)
BIRTHDAYS = st.dates(date(1990, 1, 14), date(1990, 1, 18))
ANSWERS = st.lists(
    st.sampled_from([OutcomeKind.REFUSED, OutcomeKind.NOT_ACCEPTED, OutcomeKind.AMBIGUOUS]),
    max_size=2,
)
# Ways to let time pass that often end just before, at, or just after somebody's nine o'clock.
PASSING = st.sampled_from([MINUTE, HOUR, 3 * HOUR, 7 * HOUR, DAY])
DOORS = st.sampled_from(["service", "sql"])


@dataclass(frozen=True)
class Person:
    """What the person is now."""

    zone: str = "Europe/London"
    birthday: date | None = date(1990, 1, 15)
    is_deleted: bool = False
    is_unsubscribed: bool = False

    @property
    def is_there(self) -> bool:
        return not self.is_deleted and not self.is_unsubscribed

    @property
    def day(self) -> date | None:
        """The date on which a greeting belongs, if the person is to be greeted."""
        on = self.birthday if self.is_there else None
        return on and on.replace(year=2027)

    def nine(self, on: date) -> datetime:
        return datetime.combine(on, NINE_LOCAL, ZoneInfo(self.zone))

    def today(self, now: datetime) -> date:
        return now.astimezone(ZoneInfo(self.zone)).date()


@dataclass
class Model:
    """What is owed: by time passing nine, by an edit onto today, by a move past nine."""

    person: Person = field(default_factory=Person)
    owed_now: date | None = None
    greeted: set[date] = field(default_factory=set)
    refused: set[date] = field(default_factory=set)
    missing: list[date] = field(default_factory=list)

    def change(self, now: datetime, after: Person) -> None:
        before, self.person = self.person, after
        on = after.day
        if on is None or after.nine(on) > now:
            self.owed_now = None
        elif on != before.day:
            self.owed_now = on if on == after.today(now) else None
        elif after.zone != before.zone:
            was_owed = self.owed_now == on or before.nine(on) > now
            in_time = now - after.nine(on) <= DAY
            is_today = on == after.today(now)
            self.owed_now = on if (was_owed and in_time) or is_today else None

    def pass_time(self, start: datetime, end: datetime) -> date | None:
        """Return the date that is owed by the end, if one is."""
        on, owed = self.person.day, self.owed_now
        self.owed_now = None
        if on and start < self.person.nine(on) <= end:
            owed = on
        return owed

    def check_owed(self, owed: date | None) -> None:
        if owed and not self.greeted and owed not in self.refused:
            self.missing.append(owed)


class Provider(TimedSender):
    """Answer as told, whatever the key; hold every attempt against the model."""

    def __init__(self, clock: FakeClock, model: Model) -> None:
        super().__init__(clock)
        self.answers: deque[OutcomeKind] = deque()
        self.wrong: list[str] = []
        self._model = model
        self._unclear: set[date] = set()

    async def send(self, message: ClaimedMessage) -> Outcome:
        on = date.fromisoformat(message.idempotency_key.rsplit(":", 1)[1])
        self._hold_against_the_model(on)
        answer = self.answers.popleft() if self.answers else OutcomeKind.ACCEPTED
        if answer is not OutcomeKind.ACCEPTED:
            self.script(message.idempotency_key, Outcome(answer, error="scripted"))
        if answer is OutcomeKind.AMBIGUOUS:
            self._unclear.add(on)
        if answer in {OutcomeKind.ACCEPTED, OutcomeKind.AMBIGUOUS}:
            self._model.greeted.add(on)
        if answer is OutcomeKind.REFUSED:
            self._model.refused.add(on)
        return await super().send(message)

    def _hold_against_the_model(self, on: date) -> None:
        person, now = self._model.person, self._clock.now()
        if on != person.day:
            self.wrong.append(f"{now}: attempt for {on} of {person}")
        elif on not in self._unclear and now < person.nine(on):
            self.wrong.append(f"{now}: early for {on} of {person}")
        if self._model.greeted - {on}:
            self.wrong.append(f"{now}: {on} after {self._model.greeted}")


class Life(RuleBasedStateMachine):
    """Live one person's life. The database is the test's; see test_any_life_keeps_the_promises."""

    make_url: Callable[[], str]
    drop: Callable[[str], None]
    tzdb: TzDatabase

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.clock = FakeClock()
        self.model = Model()
        self.provider = Provider(self.clock, self.model)
        self.url = type(self).make_url()
        self.pipeline: Pipeline = self.run(
            self.stack.enter_async_context(
                open_pipeline(
                    self.url,
                    clock=self.clock,
                    sender=self.provider,
                    config=PipelineConfig(tzdb=type(self).tzdb),
                )
            )
        )
        self.user_id: UUID

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def joins(self) -> None:
        self.clock.advance(20 * HOUR)
        fields = {"timezone": "Europe/London", "birthday_date": "1990-01-15"}
        self.user_id = self.run(self.pipeline.create(**fields)).id

    def _edit(self, door: str, after: Person, work: Coroutine[Any, Any, object], sql: str) -> None:
        self.clock.advance(SECOND)
        self.model.change(self.clock.now(), after)
        if door == "service":
            self.run(work)
            return
        work.close()
        self.run(by_sql(self.pipeline, self.user_id, sql))
        self._runs_on(timedelta())

    @rule(answers=ANSWERS)
    def provider_will_answer(self, answers: list[OutcomeKind]) -> None:
        self.provider.answers.extend(answers)

    @precondition(lambda self: not self.model.person.is_deleted)
    @rule(door=DOORS, zone=ZONES)
    def moves(self, door: str, zone: str) -> None:
        work = self.pipeline.users.patch(self.user_id, {"timezone": zone})
        self._edit(door, replace(self.model.person, zone=zone), work, f"timezone = '{zone}'")

    @precondition(lambda self: not self.model.person.is_deleted)
    @rule(door=DOORS, on=st.none() | BIRTHDAYS, year=st.integers(1990, 1993))
    def gets_another_date(self, door: str, on: date | None, year: int) -> None:
        self._set_date(door, on and on.replace(year=year))

    def _set_date(self, door: str, on: date | None) -> None:
        work = self.pipeline.users.patch(
            self.user_id, {"birthday_date": on.isoformat() if on else None}
        )
        sql = f"birthday_date = '{on}'" if on else "birthday_date = NULL"
        self._edit(door, replace(self.model.person, birthday=on), work, sql)

    @rule(door=DOORS)
    def leaves_or_comes_back(self, door: str) -> None:
        users, is_deleted = self.pipeline.users, not self.model.person.is_deleted
        work: Coroutine[Any, Any, object] = (
            users.delete(self.user_id) if is_deleted else users.undelete(self.user_id)
        )
        sql = "deleted_at = now()" if is_deleted else "deleted_at = NULL"
        self._edit(door, replace(self.model.person, is_deleted=is_deleted), work, sql)

    @precondition(lambda self: not self.model.person.is_deleted)
    @rule(door=DOORS)
    def unsubscribes_or_subscribes(self, door: str) -> None:
        users, is_out = self.pipeline.users, not self.model.person.is_unsubscribed
        work = users.unsubscribe(self.user_id) if is_out else users.resubscribe(self.user_id)
        sql = "unsubscribed_at = now()" if is_out else "unsubscribed_at = NULL"
        self._edit(door, replace(self.model.person, is_unsubscribed=is_out), work, sql)

    @rule()
    def batches_are_queued(self) -> None:
        self.run(self.pipeline.minute.run_once())

    @rule(seconds=st.sampled_from([-30, -1, 0, 1]))
    def nine_is_near(self, seconds: int) -> None:
        self._go_to_nine(seconds)

    @precondition(lambda self: self.model.person.day is not None)
    @rule(door=DOORS, days=st.integers(1, 3))
    def date_is_corrected_after_nine(self, door: str, days: int) -> None:
        """Go the way on which a second greeting for one occasion lies: chance seldom finds it."""
        self._go_to_nine(1)
        on = self.model.person.birthday
        self._set_date(door, on and on + days * DAY)
        self._go_to_nine(1)

    def _go_to_nine(self, seconds: int) -> None:
        """Go to about the next nine o'clock of the person, if there is one to come."""
        on, now = self.model.person.day, self.clock.now()
        to = self.model.person.nine(on) + seconds * SECOND if on else now
        if to > now:
            self._runs_on(to - now)

    @rule(by=PASSING)
    def time_passes(self, by: timedelta) -> None:
        self._runs_on(by)

    def _runs_on(self, by: timedelta) -> None:
        start, end = self.clock.now(), self.clock.now() + by
        self.run(
            live_on(self.pipeline, self.clock, end, sweeps=False) if by else run_all(self.pipeline)
        )
        # What the provider asked to be tried again is tried, before anything else happens.
        while self.run(self._is_retrying()):
            self.run(live_on(self.pipeline, self.clock, self.clock.now() + MINUTE, sweeps=False))
        self.model.check_owed(self.model.pass_time(start, self.clock.now()))
        self._check()

    async def _is_retrying(self) -> bool:
        """Tell whether something is due that has not come to an end."""
        unfinished: int = await self.pipeline.value(
            "SELECT count(*) FROM message_logs WHERE scheduled_send_time <= $1 "
            "AND status IN ('SCHEDULED', 'QUEUED', 'RETRYING')",
            self.clock.now(),
        )
        return unfinished > 0

    def _check(self) -> None:
        assert not self.provider.wrong
        assert not self.model.missing
        accepted = Counter(key for _, key in self.provider.accepted)
        assert all(times == 1 for times in accepted.values()), accepted
        assert len(accepted) <= 1, accepted

    def teardown(self) -> None:
        try:
            if hasattr(self, "user_id"):
                self._runs_on(DAY)
                statuses = self.run(self.pipeline.statuses())
                assert {"SCHEDULED"}.issuperset(
                    set(statuses) - {"SENT", "FAILED", "CANCELLED", "SKIPPED"}
                )
        finally:
            self.run(self.stack.aclose())
            self.runner.close()
            type(self).drop(self.url)


def test_any_life_keeps_the_promises(
    postgres_url: str, administrator: Administrator, template_database: str, tmp_path: Path
) -> None:
    class LifeHere(Life):
        tzdb = few_zones(tmp_path)

        @staticmethod
        def make_url() -> str:
            name = f"heyday_test_life_{uuid4().hex[:8]}"
            administrator.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}")
            return database_at(postgres_url, name)

        @staticmethod
        def drop(url: str) -> None:
            name = url.rsplit("/", 1)[1]
            administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")

    run_state_machine_as_test(
        LifeHere,
        settings=settings(
            max_examples=10,
            stateful_step_count=15,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
