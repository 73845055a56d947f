"""Plan greetings: for everybody in a window, or for some people whose days have changed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from heyday.domain.message_types import MESSAGE_TYPES, MessageType
from heyday.domain.models import ClaimRules, PlanCounts, PlanRules, User, ZoneInstant
from heyday.domain.policies import LONGEST_SPREAD
from heyday.domain.ports import Session, Store
from heyday.domain.seed_texts import SeedShelf
from heyday.domain.text_choice import TextChoice, TextNeeds
from heyday.domain.text_ports import BookShelf
from heyday.domain.timezone import TimezoneService, Window, ZoneDay, month_day_of
from heyday.domain.transactions import apart
from heyday.services.choosing import TextChooser
from heyday.services.plan_chunks import by_pages, cut, work_off

# A transaction that stores a person may commit this much later than it read the clock, and the
# daily plan may have run in between.
_COMMIT_SLACK = timedelta(hours=1)

# A date begins in the westernmost zone 26 h after it began in the easternmost: a greeting that was
# planned in the one may be moved to the other, beyond the horizon.
_ZONE_REACH = timedelta(hours=26)

# Zones and dates whose rows move in one transaction: a few percent of a plan for everybody.
_MOVED_AT_ONCE = 50

# People who are planned or replanned in one transaction, where nobody is waiting for it.
_PLANNED_AT_ONCE, _CHANGED_AT_ONCE = 10_000, 1000

# Windows move on with every request: with some room the partitions are looked at once a week.
_ROOM = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class LostZones:
    """Hold names of zones that the tz database does not have, with how many people live there.

    vanished: those that it had once; their people are greeted by `successors`.
    unknown: any others; their people cannot be greeted.
    """

    vanished: Mapping[str, int]
    unknown: Mapping[str, int]
    successors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PlanConfig:
    """Set how far ahead rows are written, and in what portions.

    chunk: people whose rows are written in one transaction, more or less.   at_once: how many
    such transactions run at the same time.
    """

    horizon: timedelta = timedelta(hours=48)
    chunk: int = 50_000
    at_once: int = 2


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Hold what one transaction of a plan for everybody writes: zone days of one message type."""

    message_type: MessageType
    rules: PlanRules
    choice: TextChoice
    zone_days: Sequence[ZoneDay]


class Planner:
    """Compute zone days and hand them to PostgreSQL; people never leave the database.

    timezones: for each message type, by name, what answers when it leaves.   shelf: has the book
    of texts; None: that of the declared ones.
    """

    def __init__(
        self,
        timezones: Mapping[str, TimezoneService],
        config: PlanConfig,
        shelf: BookShelf | None = None,
    ) -> None:
        self._timezones = timezones
        self._texts = TextChooser(shelf or SeedShelf())
        self._config = config
        self._late_window = max(t.policies.late_window for t in timezones.values())
        self._tzdb = next(iter(timezones.values())).tzdb
        self._partitioned: Window | None = None

    @property
    def horizon(self) -> timedelta:
        """Return how far ahead rows are written."""
        return self._config.horizon

    @property
    def zones(self) -> frozenset[str]:
        """Return the names of all zones whose people can be greeted."""
        return self._tzdb.served

    @property
    def late_window(self) -> timedelta:
        """Return how late a greeting may leave, of the type that may be latest."""
        return self._late_window

    def month_days_near(self, now: datetime) -> frozenset[int]:
        """Return the month-days of all who may be owed a greeting near `now`, in any zone.

        Nobody else has anything to be planned or moved.
        """
        window = self._people_window(now, _ZONE_REACH)
        return frozenset(day for t in self._timezones.values() for day in t.month_days_near(window))

    def claim_rules(self, now: datetime) -> ClaimRules:
        """Return, for each message type, what may still leave now."""
        policies = [self._timezones[t.name].policies for t in MESSAGE_TYPES]
        return ClaimRules(
            skip_before=tuple(now - p.late_window for p in policies),
            same_occasion=tuple(p.same_occasion for p in policies),
        )

    async def prepare(self, store: Store, now: datetime) -> None:
        """See to it that a plan for people made at `now` has its partitions, and the texts."""
        await self._texts.look()
        await self.ensure_partitions(store, self._people_window(now, _ZONE_REACH))

    async def ensure_partitions(self, store: Store, window: Window) -> int:
        """Create missing partitions in a transaction of their own, for they lock the tables."""
        known = self._partitioned
        if known and known.start_at <= window.start_at and window.end_at <= known.end_at:
            return 0
        roomy = Window(window.start_at, window.end_at + _ROOM)
        # Whatever becomes of the present transaction, what is remembered here was committed.
        with apart():
            created = await store.in_transaction(lambda s: s.plans.ensure_partitions(roomy))
        self._partitioned = roomy
        return created

    async def plan_window(self, store: Store, window: Window, now: datetime) -> int:
        """Write every greeting whose instant falls into the window; return how many were new.

        What is due first is written first, in chunks that commit by themselves: what was planned
        stays, whatever becomes of the rest. Any number may run at once.
        """
        await self.ensure_partitions(store, window)
        await self._texts.refresh()
        async with store.session() as session:
            needs = await session.plans.find_needs((window.end_at + _ZONE_REACH).date())
        # All types together: one by one, connections would be idle at the end of each.
        chunks = [
            chunk
            for message_type in MESSAGE_TYPES
            for chunk in await self._cut(store, message_type, window, needs, now)
        ]
        chunks.sort(key=lambda chunk: chunk.zone_days[0].send_at)
        return sum(await work_off(chunks, partial(self._plan_chunk, store), self._config.at_once))

    async def plan_new(
        self, session: Session, user_ids: Sequence[UUID], zones: Collection[str], now: datetime
    ) -> PlanCounts:
        """Plan people who were just stored, in the same transaction."""
        window = self._people_window(now)
        needs = await session.plans.find_needs_of(user_ids)
        planned = 0
        for message_type in MESSAGE_TYPES:
            zone_days = self._zone_days(message_type, zones, window, now)
            choice = self._texts.choose(message_type, needs, zone_days)
            rules = self._rules(message_type, now, window)
            planned += await session.plans.plan(message_type, zone_days, rules, choice, user_ids)
        return await self._announced(session, PlanCounts(planned=planned))

    async def plan_person(self, session: Session, user: User, now: datetime) -> PlanCounts:
        """Plan a person who was just stored, in the same transaction.

        As `plan_new`, but their dates are at hand: whose days are not near, as most people's, cost
        no look at the database.
        """
        window = self._people_window(now)
        planned = 0
        for message_type in MESSAGE_TYPES:
            on: date | None = getattr(user, message_type.date_column)
            if on is None:
                continue
            services = self._timezones[message_type.name]
            days = list(services.zone_days([user.timezone], window, now, month_day_of(on)))
            if days:
                rules = self._rules(message_type, now, window)
                years = {message_type.name: frozenset({on.year})}
                needs = TextNeeds(frozenset({user.locale}), years)
                choice = self._texts.choose(message_type, needs, days)
                planned += await session.plans.plan(message_type, days, rules, choice, [user.id])
        return await self._announced(session, PlanCounts(planned=planned))

    async def replan(
        self, session: Session, user_ids: Sequence[UUID], zones: Collection[str], now: datetime
    ) -> PlanCounts:
        """Bring the unsent greetings of these people in line with what they are now.

        The order matters. Planning first waits, at the ledger, for a planner that is writing the
        same keys; what that planner wrote is then seen, moved or cancelled.
        """
        near, moved = self._people_window(now), self._people_window(now, _ZONE_REACH)
        plans, since = session.plans, now - self._late_window
        needs = await plans.find_needs_of(user_ids)
        counts = PlanCounts()
        for message_type in MESSAGE_TYPES:
            near_days = self._zone_days(message_type, zones, near, now)
            moved_days = self._zone_days(message_type, zones, moved, now)
            rules = self._rules(message_type, now, near)
            further = self._rules(message_type, now, moved)
            texts = self._texts.choose(message_type, needs, [*near_days, *moved_days])
            who = (texts, user_ids)
            counts += PlanCounts(
                planned=await plans.plan(message_type, near_days, rules, *who),
                retimed=await plans.retime_people(message_type, moved_days, further, *who),
                cancelled=await plans.cancel_unwanted(message_type, user_ids, since),
            )
        return await self._announced(session, counts)

    async def cancel(self, session: Session, user_ids: Sequence[UUID], now: datetime) -> int:
        """Cancel what people who left are not to get, in the transaction of their leaving."""
        since = now - self._late_window
        return sum([await session.plans.cancel_unwanted(t, user_ids, since) for t in MESSAGE_TYPES])

    async def plan_people(self, store: Store, user_ids: Sequence[UUID], now: datetime) -> int:
        """Plan people who may be new, in transactions of their own; return how many greetings."""
        await self.prepare(store, now)

        async def plan(session: Session, some: Sequence[UUID]) -> PlanCounts:
            return await self.plan_new(session, some, self.zones, now)

        return (await by_pages(store, user_ids, _PLANNED_AT_ONCE, plan)).planned

    async def replan_changed(
        self, store: Store, now: datetime, among: Sequence[UUID] | None = None
    ) -> PlanCounts:
        """Find people who were changed past Heyday, by SQL, and replan them.

        among: who alone may have been; None: anybody.
        """
        await self.prepare(store, now)
        # What was cancelled may be due later where its person is now.
        since = now - self._late_window - _ZONE_REACH
        async with store.session() as session:
            changed: dict[UUID, None] = {}
            for message_type in MESSAGE_TYPES:
                found = await session.plans.list_changed_user_ids(message_type, since, among)
                changed.update(dict.fromkeys(found))

        async def replan(session: Session, some: Sequence[UUID]) -> PlanCounts:
            return await self.replan(session, some, self.zones, now)

        return await by_pages(store, list(changed), _CHANGED_AT_ONCE, replan)

    async def retime(self, store: Store, before: datetime | None = None) -> int:
        """Move unsent rows whose zone rules, send time or spread have changed since.

        before: looks at rows scheduled before this instant alone; None means all of them. What is
        spread over another time is moved only with all: of two processes that are set differently,
        as during an upgrade, each would undo every few minutes what the other did.
        """
        retimed = 0
        for message_type in MESSAGE_TYPES:
            retimed += await self._retime(store, message_type, before)
        return retimed

    async def find_lost_zones(self, store: Store) -> LostZones:
        """Return the zones of people that this release of the tz database does not have."""
        async with store.session() as session:
            people = await session.plans.count_people_by_zone()
        vanished = self._tzdb.vanished
        return LostZones(
            vanished={name: people[name] for name in sorted(vanished) if name in people},
            unknown={name: n for name, n in people.items() if name not in self.zones},
            successors=vanished,
        )

    async def count_unplanned(
        self, session: Session, message_type: MessageType, now: datetime
    ) -> int:
        """Return how many greetings of the late window are due by calendar, yet have no row."""
        policies = self._timezones[message_type.name].policies
        window = Window(now - policies.late_window, now)
        zone_days = self._zone_days(message_type, self.zones, window, now)
        rules = self._rules(message_type, now, window)
        return await session.plans.count_unplanned(message_type, zone_days, rules)

    async def _cut(
        self,
        store: Store,
        message_type: MessageType,
        window: Window,
        needs: TextNeeds,
        now: datetime,
    ) -> list[_Chunk]:
        zone_days = self._zone_days(message_type, self.zones, window, now)
        zone_days.sort(key=lambda day: day.send_at)
        async with store.session() as session:
            people = await session.plans.count_people(message_type, zone_days)
        rules = self._rules(message_type, now, window)
        choice = self._texts.choose(message_type, needs, zone_days)
        chunks = cut(zone_days, people, self._config.chunk)
        return [_Chunk(message_type, rules, choice, days) for days in chunks]

    async def _plan_chunk(self, store: Store, chunk: _Chunk) -> int:
        texts = chunk.choice.within({day.delivery_on for day in chunk.zone_days})

        async def plan(session: Session) -> int:
            planned = await session.plans.plan(
                chunk.message_type, chunk.zone_days, chunk.rules, texts
            )
            return (await self._announced(session, PlanCounts(planned=planned))).planned

        return await store.in_transaction(plan)

    async def _retime(
        self, store: Store, message_type: MessageType, before: datetime | None
    ) -> int:
        timezones = self._timezones[message_type.name]
        version = timezones.tzdb.version
        async with store.session() as session:
            planned = await session.plans.list_pending_days(message_type, version, before)
        moves = dict(_moves(planned, timezones, is_spread_anew=before is None))
        if not moves:
            return 0
        instants = [place.send_at for place in moves.values()]
        await self.ensure_partitions(store, Window(min(instants), max(instants) + LONGEST_SPREAD))

        async def move(session: Session, some: Mapping[ZoneInstant, ZoneInstant]) -> int:
            retimed = await session.plans.retime(message_type, some, version)
            # What was moved into the past is due now.
            await session.plans.announce_due()
            return retimed

        # By instant, and not all at once: a claim waits for rows that are being moved.
        planned_first = sorted(moves, key=lambda place: place.send_at)
        retimed = 0
        for start in range(0, len(planned_first), _MOVED_AT_ONCE):
            some = {p: moves[p] for p in planned_first[start : start + _MOVED_AT_ONCE]}
            retimed += await store.in_transaction(partial(move, some=some))
        return retimed

    def _people_window(self, now: datetime, reach: timedelta = timedelta()) -> Window:
        end_at = now + self._config.horizon + _COMMIT_SLACK + reach
        return Window(now - self._late_window, end_at)

    def _zone_days(
        self, message_type: MessageType, zones: Collection[str], window: Window, now: datetime
    ) -> list[ZoneDay]:
        return list(self._timezones[message_type.name].zone_days(zones, window, now))

    def _rules(self, message_type: MessageType, now: datetime, window: Window) -> PlanRules:
        timezones = self._timezones[message_type.name]
        return PlanRules(
            now=now,
            skip_before=now - timezones.policies.late_window,
            late_join=timezones.policies.late_join,
            tzdb_version=timezones.tzdb.version,
            window=window,
        )

    async def _announced(self, session: Session, counts: PlanCounts) -> PlanCounts:
        """Wake the minute scheduler if something was written: it may be due at once."""
        if counts.planned or counts.retimed:
            await session.plans.announce_due()
        return counts


def _moves(
    planned: Sequence[ZoneInstant], timezones: TimezoneService, *, is_spread_anew: bool
) -> Iterator[tuple[ZoneInstant, ZoneInstant]]:
    """Yield what lies elsewhere than it is to leave, with where that is.

    is_spread_anew: also what is spread over another time from the right instant on.
    """
    for place in planned:
        # In a zone that is unknown by now, the greeting leaves as it was planned.
        if place.timezone in timezones.tzdb.served:
            send_at = timezones.find_send_at(place.timezone, place.delivery_on)
            if send_at is None:
                continue
            wanted = replace(
                place, send_at=send_at, spread=timezones.spread_from(place.timezone, send_at)
            )
            if send_at != place.send_at or (is_spread_anew and wanted != place):
                yield place, wanted
