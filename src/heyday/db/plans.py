"""Plan: write, move and cancel future rows, in sets."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from heyday.db import partitions, queries
from heyday.db.types import PooledConnection
from heyday.domain.dates import YEAR_UNKNOWN
from heyday.domain.message_types import MessageType
from heyday.domain.models import PlanRules, ZoneInstant
from heyday.domain.resolutions import UNDONE_BY_EDITS
from heyday.domain.timezone import Window, ZoneDay

_QUERIES = queries.load("plans")
# A moved zone shifts an instant by 26 h at most, which bounds the partitions to look into.
_ZONE_SHIFT = timedelta(days=2)
_FEW = 100


def statement(name: str, message_type: MessageType, candidates: str = "everybody") -> str:
    """Return a planning statement for one message type, for `everybody` or `some_people`."""
    columns = {
        "date": message_type.date_column,
        "month_day": message_type.month_day_column,
        "left_at": message_type.unsubscribed_column,
    }
    is_for_all, zone_days = candidates == "everybody", _QUERIES["zone_days"].text
    parts = {
        "by_edit": ", ".join(f"'{reason}'" for reason in UNDONE_BY_EDITS),
        "candidates": _QUERIES[candidates].fill({**columns, "zone_days": zone_days}),
        "content": _QUERIES["content"].text,
        "id": _QUERIES["timed_id"].text if is_for_all else "gen_random_uuid()",
        "unplanned": _QUERIES["unplanned"].text if is_for_all else "",
    }
    return _QUERIES[name].fill({**columns, **parts})


def _arrays(zone_days: Sequence[ZoneDay]) -> tuple[list[object], ...]:
    return (
        [day.delivery_on for day in zone_days],
        [day.month_day for day in zone_days],
        [day.timezone for day in zone_days],
        [day.send_at for day in zone_days],
        [day.is_today for day in zone_days],
    )


def _common(
    message_type: MessageType, zone_days: Sequence[ZoneDay], rules: PlanRules
) -> tuple[object, ...]:
    """Return the values $1 to $13 of the statements that plan and re-time."""
    return (
        *_arrays(zone_days),
        message_type.name,
        [
            message_type.pattern,
            message_type.pattern_for_one,
            message_type.pattern_without_year,
        ],
        YEAR_UNKNOWN,
        message_type.first_year,
        rules.now,
        rules.skip_before,
        rules.late_join,
        rules.tzdb_version,
    )


def _bounds(zone_days: Sequence[ZoneDay]) -> tuple[date, date]:
    """Return the first and the last delivery date."""
    dates = [day.delivery_on for day in zone_days]
    return min(dates), max(dates)


def _count(tag: str) -> int:
    """Read the number of rows from a command tag such as INSERT 0 5."""
    return int(tag.rsplit(" ", 1)[1])


class PlanRepository:
    """Run the planning statements over one connection."""

    def __init__(self, connection: PooledConnection) -> None:
        self._connection = connection

    async def ensure_partitions(self, window: Window) -> int:
        """Create the months that the window touches; return how many were missing."""
        return await partitions.ensure(self._connection, window)

    async def plan(
        self,
        message_type: MessageType,
        zone_days: Sequence[ZoneDay],
        rules: PlanRules,
        user_ids: Sequence[UUID] | None = None,
    ) -> int:
        """Write the rows due on the zone days that the ledger does not hold; return how many."""
        if not zone_days:
            return 0
        # A few people are found by id, and connections of the pool plan for any values anyhow.
        if user_ids is None or len(user_ids) > _FEW:
            await self._plan_for_these_values()
        if user_ids is None:
            await self._plan_for_everybody()
        candidates = "everybody" if user_ids is None else "some_people"
        values = _bounds(zone_days) if user_ids is None else (list(user_ids),)
        tag = await self._connection.execute(
            statement("plan", message_type, candidates),
            *_common(message_type, zone_days, rules),
            *values,
        )
        return _count(tag)

    async def count_people(
        self, message_type: MessageType, zone_days: Sequence[ZoneDay]
    ) -> list[int]:
        """Return how many people have each of the zone days, whether or not they are greeted."""
        rows = await self._connection.fetch(
            statement("count_people", message_type),
            [day.month_day for day in zone_days],
            [day.timezone for day in zone_days],
        )
        return [row["count"] for row in rows]

    async def retime_people(
        self,
        message_type: MessageType,
        zone_days: Sequence[ZoneDay],
        rules: PlanRules,
        user_ids: Sequence[UUID],
    ) -> int:
        """Bring unsent rows of these people in line with what they are now; return how many."""
        if not zone_days:
            return 0
        instants = [day.send_at for day in zone_days]
        tag = await self._connection.execute(
            statement("retime_people", message_type, "some_people"),
            *_common(message_type, zone_days, rules),
            list(user_ids),
            min(instants) - _ZONE_SHIFT,
            max(instants) + _ZONE_SHIFT,
        )
        return _count(tag)

    async def cancel_unwanted(
        self, message_type: MessageType, user_ids: Sequence[UUID], since: datetime
    ) -> int:
        """Cancel unsent rows, scheduled after `since`, that their person no longer wants."""
        query = statement("cancel_unwanted", message_type)
        tag = await self._connection.execute(query, list(user_ids), message_type.name, since)
        return _count(tag)

    async def count_unplanned(
        self, message_type: MessageType, zone_days: Sequence[ZoneDay], rules: PlanRules
    ) -> int:
        """Return how many greetings are due on the zone days and not in the ledger."""
        count: int = await self._connection.fetchval(
            statement("count_unplanned", message_type),
            *_arrays(zone_days),
            message_type.name,
            message_type.first_year,
            rules.now,
        )
        return count

    async def list_pending_days(
        self, message_type: MessageType, tzdb_version: str, before: datetime | None
    ) -> list[ZoneInstant]:
        """Return where unsent rows of a type lie that this release may move, each place once.

        before: of those scheduled before this instant alone.
        """
        query = _QUERIES["list_pending_days"].text
        rows = await self._connection.fetch(query, message_type.name, tzdb_version, before)
        return [ZoneInstant(*row.values()) for row in rows]

    async def list_changed_user_ids(self, message_type: MessageType, since: datetime) -> list[UUID]:
        """Return people whose unsent rows no longer fit their date, zone or presence.

        With them come people whose rows, scheduled after `since`, were cancelled and fit again.
        """
        query = statement("list_changed_user_ids", message_type)
        rows = await self._connection.fetch(query, message_type.name, since)
        return [row["user_id"] for row in rows]

    async def retime(
        self, message_type: MessageType, moves: Mapping[ZoneInstant, datetime], tzdb_version: str
    ) -> int:
        """Move unsent rows from where they lie to another instant; return how many.

        Rows that a newer release of the tz database has planned stay.
        """
        tag = await self._connection.execute(
            _QUERIES["retime"].text,
            message_type.name,
            [planned.timezone for planned in moves],
            [planned.delivery_on for planned in moves],
            [planned.send_at for planned in moves],
            list(moves.values()),
            tzdb_version,
        )
        return _count(tag)

    async def count_people_by_zone(self) -> dict[str, int]:
        """Return how many people are to be greeted in each zone that a person lives in."""
        rows = await self._connection.fetch(_QUERIES["count_people_by_zone"].text)
        return {row["timezone"]: row["people"] for row in rows}

    async def hold_erasures(self) -> None:
        """Let erasures wait until the transaction ends."""
        await self._connection.execute(_QUERIES["hold_erasures"].text)

    async def announce_due(self) -> None:
        """Wake the minute schedulers once the transaction commits."""
        await self._connection.execute(_QUERIES["announce_due"].text)

    async def _plan_for_everybody(self) -> None:
        """Spare the transaction what only a plan for some people needs."""
        await self._connection.execute(_QUERIES["join_by_hash"].text)
        await self._connection.execute(_QUERIES["trust_the_join"].text)

    async def _plan_for_these_values(self) -> None:
        """Give the transaction memory to sort in, and keep it from a generic plan.

        A generic plan cannot know how many zone days come.
        """
        await self._connection.execute(
            "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL work_mem = '64MB'"
        )
