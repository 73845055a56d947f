"""The state machine: what people, time, processes, queue and provider may do, in any order."""

import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime, timedelta
from itertools import count, product
from typing import Any
from uuid import UUID

import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from heyday.domain.errors import DatabaseUnavailable, NotFound, ResolutionRefused
from heyday.domain.message_types import BIRTHDAY
from heyday.domain.transitions import IN_FLIGHT, PENDING, Status
from heyday.services.users import UserService
from tests.model.broker import Trouble
from tests.model.clockwork import World
from tests.model.process import ZONES, Fate, Fault, Killed, Point, Process, Surroundings
from tests.model.promises import Promises
from tests.model.provider import Act, ModelProvider
from tests.model.rows import PersonRow
from tests.model.tables import ModelDatabase

MOST_PEOPLE = 12
MOST_PENDING = 4
AHEAD = timedelta(seconds=60)
CHANGES = ("birthday_date", "anniversary_date", "timezone", "first_name")
SQL_CHANGES = ("birthday_date", "timezone", "deleted_at", "unsubscribed_at")
JOBS = ("plan", "enqueue_due", "sweep", "recover")
MOST_TURNS = 4
MOST_ROUNDS = 60
STARTS = (
    datetime(2027, 1, 14, tzinfo=UTC),
    datetime(2027, 2, 27, 12, tzinfo=UTC),
    datetime(2028, 2, 28, 6, tzinfo=UTC),
)
KEY_LIFETIMES = (timedelta(days=365), timedelta(hours=1), None, None)
# How long each remembers a key, and how many messages one request may carry.
PROVIDERS = tuple(product(KEY_LIFETIMES, (1, 3)))
SKEWS = (timedelta(), timedelta(seconds=4), timedelta(seconds=-4))
HOLDING: tuple[frozenset[str], ...] = (frozenset(), frozenset({BIRTHDAY.name}))
STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (1, 3, 10, 35, 61, 150, 600, 3600, 9 * 3600, 86_400, 2 * 86_400)
)
_ONE_DAY = timedelta(days=1)
_EXPECTED = {"DatabaseUnavailable", "TransportError", "Killed"}

people = st.integers(0, MOST_PEOPLE - 1)
offsets = st.sampled_from((None, -1, 0, 1, 1, 2))
years = st.sampled_from((0, 1, 20))
zones = st.sampled_from(ZONES)
workers = st.integers(0, 1)


def runs(examples: int, steps: int) -> settings:
    """Return the settings for so many runs of so many steps: the same ones each time."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


class Machine(RuleBasedStateMachine):
    """Run Heyday's services against everything that can go wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.noises: list[str] = []
        self.tasks: list[Any] = []
        self.ids: list[UUID] = []
        self.processes: list[Process] = []
        self.numbers = count(1)
        structlog.configure(processors=[self._listen])

    @initialize(
        start=st.sampled_from(STARTS),
        provider=st.sampled_from(PROVIDERS),
        holding=st.sampled_from(HOLDING),
        skew=st.sampled_from(SKEWS),
        zone=zones,
    )
    def begin(
        self,
        start: datetime,
        provider: tuple[timedelta | None, int],
        holding: frozenset[str],
        skew: timedelta,
        zone: str,
    ) -> None:
        self.world = World(start)
        self.around = Surroundings(
            self.world,
            self.make_database(skew),
            ModelProvider(self.world, *provider),
            holding,
        )
        self.promises = Promises(self.around)
        self.door = Process(self.around)
        self.processes += self._process(), self._process()
        self._do(self.door.scheduling.plan())
        self._add(zone, 0, 20, None)

    def make_database(self, skew: timedelta) -> ModelDatabase:
        """Return the database to run on, whose clock is so far ahead."""
        return ModelDatabase(self.world.clock, skew)

    # --- People

    @precondition(lambda self: len(self.ids) < MOST_PEOPLE and self._count_pending() < MOST_PENDING)
    @rule(
        zone=zones,
        birthday=offsets,
        years=years,
        anniversary=offsets,
        how_many=st.sampled_from((1, 1, 3)),
    )
    def add(
        self,
        zone: str,
        birthday: int | None,
        years: int,
        anniversary: int | None,
        how_many: int,
    ) -> None:
        for _ in range(how_many):
            self._add(zone, birthday, years, anniversary)

    @rule(who=people, what=st.sampled_from(CHANGES), day=offsets, years=years, zone=zones)
    def edit(self, who: int, what: str, day: int | None, years: int, zone: str) -> None:
        on = self._date(day, years)
        changes: dict[str, object] = {
            "birthday_date": _written(on),
            "anniversary_date": _written(on),
            "timezone": zone,
            "first_name": "Grace" if years else "Ada",
        }
        self._edit(who, lambda users, user_id: users.patch(user_id, {what: changes[what]}))

    @rule(who=people, is_deletion=st.booleans())
    def leave_or_return(self, who: int, is_deletion: bool) -> None:  # noqa: FBT001 - drawn
        person = self._person(who)
        if is_deletion:
            is_back = person.deleted_at is not None
            self._edit(who, lambda u, user_id: (u.undelete if is_back else u.delete)(user_id))
        else:
            is_back = person.unsubscribed_at is not None
            self._edit(
                who, lambda u, user_id: (u.resubscribe if is_back else u.unsubscribe)(user_id)
            )

    @rule(who=people, what=st.sampled_from(SQL_CHANGES), day=offsets, zone=zones)
    def edit_by_sql(self, who: int, what: str, day: int | None, zone: str) -> None:
        person, now = self._person(who), self.world.clock.now()
        changes: dict[str, object] = {
            "timezone": zone,
            "birthday_date": self._date(day, 20),
            "deleted_at": None if person.deleted_at else now,
            "unsubscribed_at": None if person.unsubscribed_at else now,
        }
        self.around.database.edit_by_sql(person.id, **{what: changes[what]})
        self.promises.note_edit(person.id, is_by_sql=True)

    # --- Time

    @rule(by=st.sampled_from(STEPS), which=st.sampled_from((None, 0, 1)))
    def advance(self, by: timedelta, which: int | None) -> None:
        """Let time pass; a process may do meanwhile what schedulers and workers do."""
        end_at = self.world.clock.now() + by
        if which is not None:
            self._work_until(end_at, which)
        self._go_to(end_at)

    # --- Processes

    @rule(which=workers, job=st.sampled_from(JOBS))
    def run_job(self, which: int, job: str) -> None:
        self._run(which, job)

    @precondition(lambda self: self.around.broker.waiting)
    @rule(which=workers, place=st.integers(0, 3))
    def deliver(self, which: int, place: int) -> None:
        if self.processes[which].is_usable:
            self.processes[which].deliver(place)

    @rule(which=workers, point=st.sampled_from((None, *Point)), fate=st.sampled_from(Fate))
    def send_what_is_due_next(self, which: int, point: Point | None, fate: Fate) -> None:
        """Enqueue ahead of the next instant and deliver on it, with a fault on the way or not."""
        if point:
            self.processes[which].hazard = point, fate
        if at := self._next_due():
            self._send_at(at, which)
        else:
            self._enqueue_and_deliver(which)

    @rule(which=workers)
    def enqueue_and_deliver(self, which: int) -> None:
        """Do what a quiet minute does."""
        self._enqueue_and_deliver(which)

    @rule(which=st.integers(0, 2), fault=st.sampled_from(Fault))
    def fail_transaction(self, which: int, fault: Fault) -> None:
        [*self.processes, self.door][which].fault = fault

    @rule(which=workers)
    def freeze(self, which: int) -> None:
        """Stop a process wherever it is, as in the middle of a call."""
        self.processes[which].loop.is_frozen = True

    @precondition(lambda self: any(process.loop.is_frozen for process in self.processes))
    @rule(which=workers)
    def wake(self, which: int) -> None:
        self.processes[which].wake()

    @rule(which=workers)
    def restart(self, which: int) -> None:
        self._replace(which)

    @rule(is_retried=st.booleans())
    def decide_what_is_unknown(self, is_retried: bool) -> None:  # noqa: FBT001 - drawn
        """Settle greetings as an operator does who looks into the provider's log."""
        for row in list(self.around.database.tables.messages.values()):
            if row.status is Status.UNKNOWN:
                target = Status.RETRYING if is_retried else Status.FAILED
                if self.around.provider.accepted.get(row.idempotency_key):
                    target = Status.SENT
                self._do(self.door.resolutions.resolve([str(row.id)], target))

    @rule()
    def try_again_what_failed(self) -> None:
        """Ask for one more attempt at all that FAILED, as an operator does who corrected addresses.

        Of what may have been taken it is refused.
        """
        for row in list(self.around.database.tables.messages.values()):
            if row.status is Status.FAILED:
                self._do(self.door.resolutions.resolve([str(row.id)], Status.RETRYING))

    @rule(number=st.integers(0, 9))
    def cancel_one(self, number: int) -> None:
        """Cancel a greeting by hand, if there is one that nobody sends yet."""
        rows = self.around.database.tables.messages.values()
        if pending := [row for row in rows if row.status in PENDING]:
            chosen = pending[number % len(pending)]
            self._do(self.door.resolutions.cancel([str(chosen.id)], "not this one"))

    # --- Queue and provider

    @rule(what=st.sampled_from(Trouble), place=st.integers(0, 3))
    def trouble_the_queue(self, what: Trouble, place: int) -> None:
        self.around.broker.suffer(what, place)

    @rule(
        acts=st.lists(st.sampled_from(Act), min_size=1, max_size=3),
        times=st.sampled_from((1, 1, 3)),
    )
    def script_provider(self, acts: list[Act], times: int) -> None:
        self.around.provider.script(acts * times)

    @rule(is_down=st.booleans())
    def switch_provider(self, is_down: bool) -> None:  # noqa: FBT001 - drawn
        self.around.provider.is_down = is_down

    # --- Promises

    @invariant()
    def promises_hold(self) -> None:
        for which, process in enumerate(self.processes):
            if process.is_dead:
                self._replace(which)
        self._look_at_tasks()
        assert not self.noises, self.noises
        self.around.database.check_tables()
        self.promises.check()

    def teardown(self) -> None:
        """Heal everything, let it come to rest, and balance the books."""
        if not hasattr(self, "door"):
            return
        try:
            # What has gone wrong already is told as it is.
            if sys.exc_info()[0] is None:
                self._come_to_rest()
        finally:
            for process in (*self.processes, self.door):
                process.bury()

    def _come_to_rest(self) -> None:
        self.around.provider.heal()
        self.around.broker.heal()
        for process in (*self.processes, self.door):
            process.hazard = process.fault = None
            if process.loop.is_frozen:
                process.wake()
        self.promises_hold()
        healed_at = self.world.clock.now()
        self._do(self.door.scheduling.plan())
        for _ in range(MOST_ROUNDS):
            self._do(self.door.scheduling.recover())
            self._enqueue_and_deliver(0)
            self.promises_hold()
            if not self._in_flight():
                break
            self.world.advance(self._until_something_is_due())
        self.promises_hold()
        self.promises.check_at_rest(healed_at)
        for balance in self._do(self.door.reconciliation.reconcile()):
            assert balance.is_balanced, balance
            assert not balance.live, balance

    def _in_flight(self) -> list[datetime]:
        """Return when each row that should be on its way may go on."""
        now = self.world.clock.now()
        return [
            max(row.due_at, row.lease_until or row.due_at)
            for row in self.around.database.tables.messages.values()
            if row.scheduled_send_time <= now and row.status in IN_FLIGHT
        ]

    def _until_something_is_due(self) -> timedelta:
        now = self.world.clock.now()
        coming = [at for at in self._in_flight() if at > now]
        return max(min(coming, default=now) - now, timedelta(seconds=61))

    # --- Working parts

    def _process(self) -> Process:
        process = Process(self.around)
        process.start(process.worker.run())
        return process

    def _replace(self, which: int) -> None:
        self.processes[which].bury()
        self.processes[which] = self._process()

    def _run(self, which: int, job: str) -> None:
        process = self.processes[which]
        if process.is_usable:
            self.tasks.append(process.start(getattr(process.scheduling, job)()))

    def _enqueue_and_deliver(self, which: int) -> None:
        self._run(which, "enqueue_due")
        while self.around.broker.waiting and self.processes[which].is_usable:
            self.processes[which].deliver(0)

    def _count_pending(self) -> int:
        rows = self.around.database.tables.messages.values()
        return sum(row.status in PENDING for row in rows)

    def _work_until(self, end_at: datetime, which: int) -> None:
        """Sweep, enqueue and deliver whenever something is due."""
        for _ in range(MOST_TURNS):
            at = self._next_due()
            if at is None or at > end_at:
                return
            self._run(which, "sweep")
            self._send_at(at, which)

    def _send_at(self, at: datetime, which: int) -> None:
        """Enqueue what is due at an instant ahead of it, and deliver it."""
        self._go_to(at - AHEAD)
        self._enqueue_and_deliver(which)
        self._go_to(at)

    def _go_to(self, at: datetime) -> None:
        self.world.advance(max(at - self.world.clock.now(), timedelta()))

    def _next_due(self) -> datetime | None:
        """Return the next instant at which a greeting may leave."""
        now = self.world.clock.now()
        rows = self.around.database.tables.messages.values()
        coming = [row.due_at for row in rows if row.status in PENDING and row.due_at > now]
        return min(coming, default=None)

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something at the door, which neither dies nor freezes; faults leave None."""
        task = self.door.start(work)
        assert task.done(), "the door waits for something"
        try:
            return task.result()
        except (DatabaseUnavailable, NotFound, ResolutionRefused):
            return None

    def _look_at_tasks(self) -> None:
        """Raise what went wrong in a job, unless it was told to."""
        waiting = []
        for task in self.tasks:
            if not task.done():
                waiting.append(task)
                continue
            error = None if task.cancelled() else task.exception()
            if error and not isinstance(error, Killed | DatabaseUnavailable):
                raise error
        self.tasks = waiting

    def _listen(self, _logger: object, _method: str, fields: Any) -> Any:
        """Keep what services log of an error that no fault explains: workers go on after it."""
        if (kind := fields.get("error")) and kind not in _EXPECTED:
            self.noises.append(f"{fields.get('event')}: {kind}")
        raise structlog.DropEvent

    def _add(self, zone: str, birthday: int | None, years: int, anniversary: int | None) -> None:
        fields = {
            "first_name": "Ada",
            "last_name": "Lovelace",
            "email": f"person{next(self.numbers)}@example.com",
            "timezone": zone,
            "birthday_date": _written(self._date(birthday, years)),
            "anniversary_date": _written(self._date(anniversary, years)),
        }
        if user := self._do(self.door.users.create(fields)):
            self.ids.append(user.id)

    def _person(self, who: int) -> PersonRow:
        return self.around.database.tables.people[self.ids[who % len(self.ids)]]

    def _edit(self, who: int, change: Callable[[UserService, UUID], Any]) -> None:
        user_id = self.ids[who % len(self.ids)]
        if self._do(change(self.door.users, user_id)):
            self.promises.note_edit(user_id, is_by_sql=False)

    def _date(self, offset: int | None, years: int) -> date | None:
        """Return a date so many years ago whose day is near; 29 February where it is next."""
        if offset is None:
            return None
        on = self.world.clock.now().date() + offset * _ONE_DAY
        if offset == 1 and (on.month, on.day) in {(2, 28), (3, 1)}:
            return date(2004, 2, 29)
        is_leap_day = (on.month, on.day) == (2, 29)
        return on.replace(year=on.year - max(years, 1), day=28 if is_leap_day else on.day)


def _written(on: date | None) -> str | None:
    return on.isoformat() if on else None
