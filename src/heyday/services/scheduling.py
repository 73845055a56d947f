"""Plan what will be due, hand over what is due, and recover what was missed or lost."""

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from uuid import uuid4

import structlog

from heyday.domain.errors import DatabaseUnavailable, TransportError
from heyday.domain.models import Batch, ClaimRules, DueMessage, Written
from heyday.domain.ports import Clock, Session, Store, Transport
from heyday.domain.timezone import Window
from heyday.services import following
from heyday.services.events import EventService
from heyday.services.jobs import JobJournal
from heyday.services.planning import Planner
from heyday.services.sending import MessageSenderService
from heyday.services.upkeep import UpkeepService
from heyday.services.written_lately import WrittenLately

log = structlog.get_logger()

DAILY, MINUTE, SWEEP, RECOVERY = "daily", "minute", "sweep", "recovery"
RHYTHMS: Mapping[str, timedelta] = {
    DAILY: timedelta(days=1),
    MINUTE: timedelta(minutes=1),
    SWEEP: timedelta(seconds=30),
    RECOVERY: timedelta(minutes=10),
}
"""How often each job is to run."""

_LONGEST_CATCH_UP = timedelta(days=366)
# Recovery replans the day around now: enough for people whom SQL added since the daily plan.
_REPLAN_AHEAD = timedelta(hours=2)
# Recovery re-times what is due soon: in time also where the new instant is hours earlier.
_RETIME_AHEAD = timedelta(hours=3)
_KEEP_RUNS = timedelta(days=30)
_PUBLISH_TRIES = 2

_Take = Callable[[Session], Awaitable[list[DueMessage]]]


@dataclass(frozen=True, slots=True)
class SchedulerConfig:
    """Set the rhythm and the sizes.

    look_ahead: how long before their instant greetings are queued.   batch_size: ids a batch.
    chunk: rows a statement moves.   lost_after: how long a due row may stay unclaimed before it
    is queued again.   lost_in_backlog: the same while batches wait for workers, among which its
    own may well be.
    """

    look_ahead: timedelta = timedelta(seconds=90)
    batch_size: int = 500
    chunk: int = 10_000
    lost_after: timedelta = timedelta(minutes=2)
    lost_in_backlog: timedelta = timedelta(minutes=15)


def make_batches(due: Iterable[DueMessage], size: int) -> list[Batch]:
    """Group rows that fall due in the same second into batches of at most `size` ids."""
    batches = []
    for due_at, group in groupby(due, key=_due_second):
        rows = list(group)
        starts = range(0, len(rows), size)
        batches += [make_batch(due_at, rows[start : start + size]) for start in starts]
    return batches


def make_batch(due_at: datetime, rows: Sequence[DueMessage]) -> Batch:
    """Make one batch of rows that are due by then."""
    return Batch(
        id=uuid4(),
        due_at=due_at,
        first_at=min(row.scheduled_send_at for row in rows),
        last_at=max(row.scheduled_send_at for row in rows),
        message_ids=tuple(row.id for row in rows),
    )


def _due_second(row: DueMessage) -> datetime:
    """Return the first whole second at which the row may be sent."""
    return datetime.fromtimestamp(math.ceil(row.due_at.timestamp()), UTC)


class MessageSchedulerService:
    """Do the work of the schedulers. Any number may run at once, anywhere."""

    def __init__(  # noqa: PLR0913 - one parameter for each part that it joins
        self,
        *,
        store: Store,
        transport: Transport,
        planner: Planner,
        sending: MessageSenderService,
        journal: JobJournal,
        clock: Clock,
        config: SchedulerConfig,
        upkeep: UpkeepService | None = None,
        events: EventService | None = None,
    ) -> None:
        self._upkeep = upkeep
        self._events = events
        self._store = store
        self._transport = transport
        self._planner = planner
        self._sending = sending
        self._journal = journal
        self._clock = clock
        self._config = config
        self._written = WrittenLately()
        self._planned_until: datetime | None = None

    async def plan(self, at: datetime | None = None) -> dict[str, int]:
        """Plan every greeting from the last planned instant, or the late window, to the horizon.

        at: a moment chosen by hand. The window then starts there and the watermark stays.
        """
        now = at or self._clock.now()
        window = await self._daily_window(now, is_manual=at is not None)
        async with self._journal.run(DAILY, window, is_manual=at is not None) as counts:
            counts["retimed"] = await self._planner.retime(self._store)
            counts["planned"] = await self._planner.plan_window(self._store, window, now)
            counts.update(await self._report_lost_zones())
        return counts

    async def enqueue_due(self, at: datetime | None = None) -> dict[str, int]:
        """Hand over everything that is due within the look-ahead."""
        now = at or self._clock.now()
        manual = at is not None
        async with self._journal.run(MINUTE, is_manual=manual, planned_by=DAILY) as counts:
            until = now + self._config.look_ahead
            counts["enqueued"] = await self._enqueue_due(now, until)
        return counts

    async def sweep(self, at: datetime | None = None) -> dict[str, int]:
        """Take over what dead workers held, and queue again what was lost on its way."""
        now = at or self._clock.now()
        async with self._journal.run(SWEEP, is_manual=at is not None) as counts:
            counts.update(await self._sweep(now))
        return counts

    async def recover(self, at: datetime | None = None) -> dict[str, int]:
        """Sweep what was missed, changed by SQL, lost, abandoned, or is too late."""
        now = at or self._clock.now()
        async with self._journal.run(RECOVERY, is_manual=at is not None) as counts:
            # What is on its way comes first: it moves on even if planning should fail.
            counts.update(await self._sweep(now))
            counts["skipped"] = await self._skip_late(now)
            async with self._store.session() as session:
                written = await self._written.look(session, now)
            counts["planned"] = await self._plan_missed(now, written)
            changed = await self._planner.replan_changed(self._store, now, written.user_ids)
            self._written.note(written, now)
            # What a process with an older tz database has planned since the daily run.
            retimed = await self._planner.retime(self._store, before=now + _RETIME_AHEAD)
            counts["retimed"] = changed.retimed + retimed
            counts["cancelled"] = changed.cancelled
            counts["recovered"] = sum(counts.values())
            async with self._store.session() as session:
                await session.jobs.forget(now - _KEEP_RUNS)
            if self._upkeep:
                counts.update(await self._upkeep.run())
        return counts

    async def _daily_window(self, now: datetime, *, is_manual: bool) -> Window:
        horizon, late_window = self._planner.horizon, self._planner.late_window
        if is_manual:
            return Window(now, now + horizon)
        async with self._store.session() as session:
            watermark = await session.jobs.find_watermark(DAILY)
        start_at = min(watermark or now, now - late_window)
        return Window(max(start_at, now - _LONGEST_CATCH_UP), now + horizon)

    async def _plan_missed(self, now: datetime, written: Written) -> int:
        """Plan what is due near now; where it is known who is new, of the others what came near."""
        start_at, end_at = now - self._planner.late_window, now + _REPLAN_AHEAD
        planned = 0
        if written.user_ids is not None and self._planned_until:
            start_at = min(self._planned_until, end_at)
            planned = await self._planner.plan_people(self._store, written.user_ids, now)
        planned += await self._planner.plan_window(self._store, Window(start_at, end_at), now)
        self._planned_until = end_at
        return planned

    async def _report_lost_zones(self) -> dict[str, int]:
        """Tell of people whose zone the tz database does not have; return how many there are."""
        lost = await self._planner.find_lost_zones(self._store)
        counts = {}
        if lost.vanished:
            counts["vanished_zones"] = people = sum(lost.vanished.values())
            zones = {name: lost.successors[name] for name in lost.vanished}
            log.warning("zones_vanished", zones=zones, people=people)
        if lost.unknown:
            counts["unknown_zones"] = people = sum(lost.unknown.values())
            # Their number alone: what SQL wrote there may be anything, also a person's name.
            log.warning("zones_unknown", zones=len(lost.unknown), people=people)
        return counts

    async def _enqueue_due(self, now: datetime, until: datetime) -> int:
        return await self._hand_over(
            now, lambda rules, s: s.messages.enqueue_due(now, until, rules, self._config.chunk)
        )

    async def _skip_late(self, now: datetime) -> int:
        rules = self._planner.claim_rules(now)
        return await self._store.in_transaction(lambda s: s.messages.skip_late(rules))

    async def _sweep(self, now: datetime) -> dict[str, int]:
        counts = {
            "expired": await self._sending.resolve_expired(),
            "requeued": await self._enqueue_lost(now),
        }
        if self._events and (settled := await self._events.settle()):
            counts["settled"] = settled
        return counts

    async def _enqueue_lost(self, now: datetime) -> int:
        requeued = await self._enqueue_wiped(now)
        before = now - await self._patience()
        return requeued + await self._enqueue_again(now, before, before)

    async def _enqueue_wiped(self, now: datetime) -> int:
        """Queue again all that was in a queue that is gone: nobody has marked the new one.

        It is marked first: where that is refused, all would be queued again with each sweep. Two
        who come at once cost batches that find nothing to claim; one who dies here, some minutes.
        """
        try:
            if not await self._transport.is_new():
                return 0
            await self._transport.mark()
        except TransportError as error:
            log.warning("queue_not_marked", error=type(error).__name__)
            return 0
        requeued = await self._enqueue_again(now, now, now + self._config.look_ahead)
        log.info("queue_marked", requeued=requeued)
        return requeued

    async def _enqueue_again(
        self, now: datetime, queued_before: datetime, due_before: datetime
    ) -> int:
        async def take(rules: ClaimRules, session: Session) -> list[DueMessage]:
            return await session.messages.enqueue_again(
                now,
                queued_before=queued_before,
                due_before=due_before,
                rules=rules,
                limit=self._config.chunk,
            )

        return await self._hand_over(now, take)

    async def _patience(self) -> timedelta:
        """Return how long a due row is left in the queue: a backlog is not queued again and again.

        Nor is one behind a queue that cannot be asked.
        """
        try:
            waiting = await self._transport.count_waiting()
        except TransportError as error:
            log.warning("queue_not_counted", error=type(error).__name__)
            waiting = None
        config = self._config
        return config.lost_after if waiting == 0 else max(config.lost_after, config.lost_in_backlog)

    async def _hand_over(
        self, now: datetime, take: Callable[[ClaimRules, Session], Awaitable[list[DueMessage]]]
    ) -> int:
        """Take rows and publish them, chunk by chunk, until there are no more; return how many.

        Each chunk begins at the instant at which the one before ended: while somebody keeps a
        transaction open, what was taken before is still in the index, and would be read again.
        """
        rules = self._planner.claim_rules(now)
        handed_over, is_more = 0, True
        while is_more:
            rows = await self._taken(partial(take, rules))
            handed_over += len(rows)
            is_more = len(rows) == self._config.chunk
            if rows:
                rules = replace(rules, since=max(row.scheduled_send_at for row in rows))
                await self._publish(rows)
        return handed_over

    async def _taken(self, take: _Take) -> list[DueMessage]:
        """Return the rows that were taken. Raises DatabaseUnavailable."""
        rows: list[DueMessage] = []

        async def work(session: Session) -> list[DueMessage]:
            nonlocal rows
            rows = await take(session)
            return rows

        try:
            return await self._store.in_transaction(work)
        except DatabaseUnavailable:
            # If it was COMMIT whose answer is lost, they may be QUEUED; if not, nobody claims them.
            if rows:
                await self._publish(rows)
            raise

    async def _publish(self, rows: list[DueMessage]) -> None:
        """Publish what is committed as QUEUED. What fails twice is found again by recovery.

        Should the first try have succeeded after all, the claim of the second finds nothing.
        """
        rows.sort(key=_due_second)
        batches = make_batches(rows, self._config.batch_size)
        for _ in range(_PUBLISH_TRIES):
            try:
                with following.sent(batches) as followed:
                    return await self._transport.publish(followed)
            except TransportError as error:
                log.warning("publish_failed", rows=len(rows), error=type(error).__name__)
        return None
