"""Plan: write, move and cancel future rows, in sets."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from heyday.db import partitions, plan_spread, plan_texts, queries
from heyday.db.plan_texts import TextArrays
from heyday.db.types import PooledConnection
from heyday.domain.dates import YEAR_UNKNOWN
from heyday.domain.message_types import MESSAGE_TYPES, MessageType
from heyday.domain.models import PlanRules, Written, ZoneInstant
from heyday.domain.people import EARLIEST_ON
from heyday.domain.resolutions import UNDONE_BY_EDITS
from heyday.domain.text_choice import TextChoice, TextNeeds, usual_years
from heyday.domain.timezone import Window, ZoneDay

_QUERIES = queries.load("plans")
# A moved zone shifts an instant by 26 h at most, which bounds the partitions to look into.
_ZONE_SHIFT = timedelta(days=2)
_FEW = 100


def statement(
    name: str,
    message_type: MessageType,
    candidates: str = "everybody",
    *,
    is_composed: bool = False,
    is_spread: bool = False,
) -> str:
    """Return a planning statement for one message type, for `everybody` or `some_people`.

    is_composed: see plan_texts.   is_spread: see plan_spread.
    """
    columns = {
        "date": message_type.date_column,
        "month_day": message_type.month_day_column,
        "left_at": message_type.unsubscribed_column,
    }
    is_for_all = candidates == "everybody"
    days = {
        **columns,
        "zone_days": plan_spread.zone_days(name, spread=is_spread),
        "own": plan_spread.own(name, spread=is_spread),
    }
    parts = {
        **plan_texts.fragments(is_composed=is_composed),
        **plan_spread.fragments(spread=is_spread),
        "names": _QUERIES["names"].text,
        "years": _QUERIES["years"].fill(columns),
        "worded": _QUERIES["worded"].text,
        "occasion_years": ", ".join(map(_year_of_occasion, MESSAGE_TYPES)),
        "by_edit": ", ".join(f"'{reason}'" for reason in UNDONE_BY_EDITS),
        "candidates": _QUERIES[candidates].fill(days),
        "id": _QUERIES["timed_id"].text if is_for_all else "gen_random_uuid()",
        "unplanned": _QUERIES["unplanned"].text if is_for_all else "",
        "among": "" if is_for_all else "AND m.user_id = ANY ($3)",
    }
    return _QUERIES[name].fill({**columns, **parts})


def _year_of_occasion(message_type: MessageType) -> str:
    """Return the year of a date that is on a day of the year: dates without end are on none."""
    year = f"date_part('year', {message_type.date_column})::integer"
    is_one = f"{message_type.month_day_column} IS NOT NULL"
    return f"CASE WHEN {is_one} THEN {year} END AS {message_type.name}"


def _arrays(zone_days: Sequence[ZoneDay]) -> tuple[list[object], ...]:
    return (
        [day.delivery_on for day in zone_days],
        [day.month_day for day in zone_days],
        [day.timezone for day in zone_days],
        [day.send_at for day in zone_days],
        [day.is_today for day in zone_days],
    )


def _people_and_texts(
    message_type: MessageType,
    zone_days: Sequence[ZoneDay],
    texts: TextArrays,
    user_ids: Sequence[UUID] | None,
) -> tuple[object, ...]:
    """Return the values $1 to $15 of the statements that plan and re-time."""
    return (
        *_arrays(zone_days),
        message_type.name,
        texts.locales,
        YEAR_UNKNOWN,
        message_type.first_year,
        *texts.numbers,
        _bounds(zone_days) if user_ids is None else list(user_ids),
    )


def _rest(rules: PlanRules, texts: TextArrays) -> tuple[object, ...]:
    """Return the values $16 to $23 of the same."""
    return (rules.now, rules.skip_before, rules.late_join, rules.tzdb_version, *texts.texts)


def _bounds(zone_days: Sequence[ZoneDay]) -> list[date]:
    """Return the first and the last delivery date."""
    dates = [day.delivery_on for day in zone_days]
    return [min(dates), max(dates)]


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
        choice: TextChoice,
        user_ids: Sequence[UUID] | None = None,
    ) -> int:
        """Write the rows due on the zone days that the ledger does not hold; return how many.

        Whom no text of the choice is for is left to the next plan.
        """
        if not zone_days:
            return 0
        # A few people are found by id, and connections of the pool plan for any values anyhow.
        if user_ids is None or len(user_ids) > _FEW:
            await self._plan_for_these_values()
        if user_ids is None:
            await self._plan_for_everybody()
        candidates = "everybody" if user_ids is None else "some_people"
        texts = plan_texts.arrays(choice)
        whom = _people_and_texts(message_type, zone_days, texts, user_ids)
        spread = plan_spread.values(zone_days, rules)
        is_composed = await self._compose(message_type, candidates, choice, whom, spread)
        kind = {"is_composed": is_composed, "is_spread": bool(spread)}
        tag = await self._connection.execute(
            statement("plan", message_type, candidates, **kind),
            *whom,
            *_rest(rules, texts),
            *spread,
        )
        return _count(tag)

    async def find_needs(self, day: date) -> TextNeeds:
        """Return what texts people may need whose greetings are on a day or before it."""
        rows = await self._connection.fetch(_QUERIES["list_locales"].text)
        years = {}
        for message_type in MESSAGE_TYPES:
            query = statement("list_odd_years", message_type)
            odd = await self._connection.fetch(query, EARLIEST_ON, YEAR_UNKNOWN)
            years[message_type.name] = usual_years(day.year).union(row["year"] for row in odd)
        return TextNeeds(frozenset({None, *(row["locale"] for row in rows)}), years)

    async def find_needs_of(self, user_ids: Sequence[UUID]) -> TextNeeds:
        """Return what texts these people need."""
        query = statement("list_needs", MESSAGE_TYPES[0])
        rows = await self._connection.fetch(query, list(user_ids))
        years = {
            t.name: frozenset(row[place] for row in rows if row[place] is not None)
            for place, t in enumerate(MESSAGE_TYPES, start=1)
        }
        return TextNeeds(frozenset(row["locale"] for row in rows), years)

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
        choice: TextChoice,
        user_ids: Sequence[UUID],
    ) -> int:
        """Bring unsent rows of these people in line with what they are now; return how many."""
        if not zone_days:
            return 0
        instants = [day.send_at for day in zone_days]
        texts = plan_texts.arrays(choice)
        whom = _people_and_texts(message_type, zone_days, texts, user_ids)
        spread = plan_spread.values(zone_days, rules)
        is_composed = await self._compose(message_type, "some_people", choice, whom, spread)
        kind = {"is_composed": is_composed, "is_spread": bool(spread)}
        tag = await self._connection.execute(
            statement("retime_people", message_type, "some_people", **kind),
            *whom,
            *_rest(rules, texts),
            min(instants) - _ZONE_SHIFT,
            max(instants) + _ZONE_SHIFT,
            *spread,
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
        spread = plan_spread.values(zone_days, rules)
        count: int = await self._connection.fetchval(
            statement("count_unplanned", message_type, is_spread=bool(spread)),
            *_arrays(zone_days),
            message_type.name,
            message_type.first_year,
            rules.now,
            *spread,
        )
        return count

    async def list_pending_days(
        self, message_type: MessageType, tzdb_version: str, before: datetime | None
    ) -> list[ZoneInstant]:
        """Return where unsent rows of a type lie that this release may move, each place once.

        before: of those scheduled before this instant alone.
        """
        query = statement("list_pending_days", message_type)
        rows = await self._connection.fetch(query, message_type.name, tzdb_version, before)
        return [
            ZoneInstant(zone, on, at, plan_spread.read_spread(spread))
            for zone, on, at, spread in rows
        ]

    async def find_written(self, since: int | None, at_most: int) -> Written:
        """Return whose row was written by transactions from a number on, unless there are more.

        since: the horizon of an earlier look; None: nobody has looked. What lies ahead of all
        transactions is of a database that was restored, and says nothing.
        """
        horizon: int = await self._connection.fetchval(_QUERIES["find_horizon"].text)
        if since is None or since > horizon:
            return Written(horizon, None)
        query = _QUERIES["list_written_user_ids"].text
        rows = await self._connection.fetch(query, since, at_most + 1)
        user_ids = [row["id"] for row in rows]
        return Written(horizon, user_ids if len(user_ids) <= at_most else None)

    async def list_changed_user_ids(
        self, message_type: MessageType, since: datetime, among: Sequence[UUID] | None
    ) -> list[UUID]:
        """Return people whose unsent rows no longer fit their date, zone or presence.

        With them come people whose rows, scheduled after `since`, were cancelled and fit again.
        """
        whom = "everybody" if among is None else "some_people"
        query = statement("list_changed_user_ids", message_type, whom)
        some = [] if among is None else [among]
        rows = await self._connection.fetch(query, message_type.name, since, *some)
        return [row["user_id"] for row in rows]

    async def retime(
        self, message_type: MessageType, moves: Mapping[ZoneInstant, ZoneInstant], tzdb_version: str
    ) -> int:
        """Move unsent rows from where they lie to where they are to leave; return how many.

        Rows that a newer release of the tz database has planned stay.
        """
        is_spread = plan_spread.is_spread([*moves, *moves.values()])
        tag = await self._connection.execute(
            statement("retime", message_type, is_spread=is_spread),
            message_type.name,
            [planned.timezone for planned in moves],
            [planned.delivery_on for planned in moves],
            [planned.send_at for planned in moves],
            [place.send_at for place in moves.values()],
            tzdb_version,
            [plan_spread.seconds_of(planned.spread) for planned in moves],
            [plan_spread.seconds_of(place.spread) for place in moves.values()],
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

    async def _compose(
        self,
        message_type: MessageType,
        candidates: str,
        choice: TextChoice,
        whom: Sequence[object],
        spread: Sequence[object] = (),
    ) -> bool:
        """Compose the texts that ask something about names; tell whether there may be some."""
        if choice.personal:
            query = statement("list_to_compose", message_type, candidates, is_spread=bool(spread))
            await plan_texts.compose(self._connection, choice, query, [*whom, *spread])
        return bool(choice.personal)

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
