"""Plan greetings: for everybody in a window, or for some people whose days have changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from heyday.domain.message_types import MESSAGE_TYPES, MessageType
from heyday.domain.models import PlanCounts, PlanRules, ZoneInstant
from heyday.domain.ports import Session, Store
from heyday.domain.timezone import TimezoneService, Window, ZoneDay, zone_names

# A transaction that stores a person may commit this much later than it read the clock, and the
# daily plan may have run in between.
_COMMIT_SLACK = timedelta(hours=1)

# A date begins in the westernmost zone 26 h after it began in the easternmost: a greeting that was
# planned in the one may be moved to the other, beyond the horizon.
_ZONE_REACH = timedelta(hours=26)

# Windows move on with every request: with some room the partitions are looked at once a week.
_ROOM = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PlanConfig:
    """Set how far planning looks.

    horizon: how far ahead rows are written.   late_window: how late a greeting may still leave.
    late_join: whether a person who comes, or is moved, onto today after the send time is greeted.
    """

    horizon: timedelta = timedelta(hours=48)
    late_window: timedelta = timedelta(hours=24)
    late_join: bool = True


class Planner:
    """Compute zone days and hand them to PostgreSQL; people never leave the database."""

    def __init__(self, timezones: TimezoneService, config: PlanConfig) -> None:
        self._timezones = timezones
        self._config = config
        self._partitioned: Window | None = None

    @property
    def config(self) -> PlanConfig:
        """Return how far planning looks."""
        return self._config

    async def prepare(self, store: Store, now: datetime) -> None:
        """See to it that the partitions exist which a plan for people made at `now` needs."""
        await self.ensure_partitions(store, self._people_window(now, _ZONE_REACH))

    async def ensure_partitions(self, store: Store, window: Window) -> int:
        """Create missing partitions in a transaction of their own, for they lock the tables."""
        known = self._partitioned
        if known and known.start_at <= window.start_at and window.end_at <= known.end_at:
            return 0
        roomy = Window(window.start_at, window.end_at + _ROOM)
        created = await store.in_transaction(lambda s: s.plans.ensure_partitions(roomy))
        self._partitioned = roomy
        return created

    async def plan_window(self, store: Store, window: Window, now: datetime) -> int:
        """Write every greeting whose instant falls into the window; return how many were new.

        One statement and one transaction for each message type. Any number may run at once.
        """
        await self.ensure_partitions(store, window)
        zone_days = list(self._timezones.zone_days(zone_names(), window, now))
        rules = self._rules(now)
        planned = 0
        for message_type in MESSAGE_TYPES:

            async def plan(session: Session, message_type: MessageType = message_type) -> int:
                return await session.plans.plan(message_type, zone_days, rules)

            planned += await store.in_transaction(plan)
        return planned

    async def plan_new(
        self, session: Session, user_ids: Sequence[UUID], zones: Iterable[str], now: datetime
    ) -> PlanCounts:
        """Plan people who were just stored, in the same transaction."""
        zone_days = self._people_zone_days(zones, now)
        planned = 0
        for message_type in MESSAGE_TYPES:
            planned += await session.plans.plan(message_type, zone_days, self._rules(now), user_ids)
        return await self._announced(session, PlanCounts(planned=planned))

    async def replan(
        self, session: Session, user_ids: Sequence[UUID], zones: Iterable[str], now: datetime
    ) -> PlanCounts:
        """Bring the unsent greetings of these people in line with what they are now.

        The order matters. Planning first waits, at the ledger, for a planner that is writing the
        same keys; what that planner wrote is then seen, moved or cancelled.
        """
        zone_days = self._people_zone_days(zones, now)
        moved_days = self._people_zone_days(zones, now, _ZONE_REACH)
        rules, since = self._rules(now), now - self._config.late_window
        counts = PlanCounts()
        for message_type in MESSAGE_TYPES:
            plans = session.plans
            counts += PlanCounts(
                planned=await plans.plan(message_type, zone_days, rules, user_ids),
                retimed=await plans.retime_people(message_type, moved_days, rules, user_ids),
                cancelled=await plans.cancel_unwanted(message_type, user_ids, since),
            )
        return await self._announced(session, counts)

    async def cancel(self, session: Session, user_ids: Sequence[UUID], now: datetime) -> int:
        """Cancel what people who left are not to get, in the transaction of their leaving."""
        since = now - self._config.late_window
        return sum([await session.plans.cancel_unwanted(t, user_ids, since) for t in MESSAGE_TYPES])

    async def replan_changed(self, store: Store, now: datetime, page: int = 1000) -> PlanCounts:
        """Find people who were changed past Heyday, by SQL, and replan them."""
        await self.prepare(store, now)
        since = now - self._config.late_window
        async with store.session() as session:
            changed: dict[UUID, None] = {}
            for message_type in MESSAGE_TYPES:
                found = await session.plans.list_changed_user_ids(message_type, since)
                changed.update(dict.fromkeys(found))
        counts = PlanCounts()
        user_ids = list(changed)
        for start in range(0, len(user_ids), page):
            some = user_ids[start : start + page]
            counts += await store.in_transaction(
                lambda s, some=some: self.replan(s, some, zone_names(), now)  # type: ignore[misc]
            )
        return counts

    async def retime(self, store: Store) -> int:
        """Move unsent rows whose zone rules or send time have changed since they were planned."""
        async with store.session() as session:
            pending = await session.plans.list_pending_days()
        instants = [
            ZoneInstant(zone, on, self._timezones.send_at(zone, on))
            for zone, on in pending
            if self._timezones.is_known(zone)
        ]
        if not instants:
            return 0
        await self.ensure_partitions(
            store, Window(min(i.send_at for i in instants), max(i.send_at for i in instants))
        )
        version = self._timezones.tzdb_version
        return await store.in_transaction(lambda s: s.plans.retime(instants, version))

    async def count_unplanned(
        self, session: Session, message_type: MessageType, window: Window, now: datetime
    ) -> int:
        """Return how many greetings are due in the window by calendar, yet have no row."""
        zone_days = list(self._timezones.zone_days(zone_names(), window, now))
        return await session.plans.count_unplanned(message_type, zone_days, self._rules(now))

    def _people_window(self, now: datetime, reach: timedelta = timedelta()) -> Window:
        config = self._config
        return Window(now - config.late_window, now + config.horizon + _COMMIT_SLACK + reach)

    def _people_zone_days(
        self, zones: Iterable[str], now: datetime, reach: timedelta = timedelta()
    ) -> list[ZoneDay]:
        return list(self._timezones.zone_days(zones, self._people_window(now, reach), now))

    def _rules(self, now: datetime) -> PlanRules:
        return PlanRules(
            now=now,
            skip_before=now - self._config.late_window,
            late_join=self._config.late_join,
            tzdb_version=self._timezones.tzdb_version,
        )

    async def _announced(self, session: Session, counts: PlanCounts) -> PlanCounts:
        """Wake the minute scheduler if something was written: it may be due at once."""
        if counts.planned or counts.retimed:
            await session.plans.announce_due()
        return counts
