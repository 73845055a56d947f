"""The statements of db/sql/plans.sql, on the model database (plan_ports.PlanStore)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from heyday.domain.dates import YEAR_UNKNOWN
from heyday.domain.message_types import MESSAGE_TYPES, MessageType
from heyday.domain.models import PlanRules, Written, ZoneInstant
from heyday.domain.people import EARLIEST_ON
from heyday.domain.resolutions import UNDONE_BY_EDITS
from heyday.domain.text_choice import TextChoice, TextNeeds, usual_years
from heyday.domain.text_ports import YEARS_UNKNOWN, Person
from heyday.domain.timezone import Window, ZoneDay
from heyday.domain.transitions import PENDING, Status
from tests.model.rows import MessageRow, PersonRow, month_day
from tests.model.tables import ModelDatabase

_ZONE_SHIFT = timedelta(days=2)
_RETIMED = frozenset({Status.SCHEDULED, Status.RETRYING})
_LEAP_MONTH_DAY = 229


def compose(choice: TextChoice, person: PersonRow, on: date, occasion: date) -> dict[str, Any]:
    """The columns of a greeting that hold its text."""
    years = on.year - occasion.year if occasion.year != YEAR_UNKNOWN else YEARS_UNKNOWN
    who = Person(person.first_name, person.last_name, years)
    language, text = choice.compose(choice.languages[person.locale], on, who)
    return {
        "message_subject": text.subject,
        "message_content": text.text,
        "message_html": text.html,
        "language": language,
    }


def is_fit(row: MessageRow, person: PersonRow, on: date | None) -> bool:
    """Whether the row is about what the person is now; `on` is their date of its type."""
    if row.ambiguous_count:
        return on == row.occasion_date or month_day(on) == month_day(row.occasion_date)
    return person.timezone == row.timezone and on == row.occasion_date


class ModelPlans:
    """Write future rows."""

    def __init__(self, database: ModelDatabase) -> None:
        self._database = database

    async def ensure_partitions(self, window: Window) -> int:  # noqa: ARG002 - there are none
        return 0

    async def plan(
        self,
        message_type: MessageType,
        zone_days: Sequence[ZoneDay],
        rules: PlanRules,
        choice: TextChoice,
        user_ids: Sequence[UUID] | None = None,
    ) -> int:
        self._database.statements.append("plan")
        planned = 0
        for day, person, occasion in self._candidates(message_type, zone_days, user_ids):
            key = day.delivery_on, person.id, message_type.name
            if not _is_owed(day, person, rules) or key in self._database.tables.ledger:
                continue
            if person.locale not in choice.languages:
                continue
            self._database.tables.ledger.add(key)
            text_key = f"{person.id}:{message_type.name}:{day.delivery_on}"
            is_late = day.send_at < rules.skip_before and not day.is_today
            self._database.put(
                MessageRow(
                    id=self._database.id_of_message(text_key),
                    user_id=person.id,
                    message_type=message_type.name,
                    delivery_date=day.delivery_on,
                    scheduled_send_time=day.send_at,
                    status=Status.SKIPPED if is_late else Status.SCHEDULED,
                    idempotency_key=text_key,
                    **compose(choice, person, day.delivery_on, occasion),
                    occasion_date=occasion,
                    timezone=day.timezone,
                    tzdb_version=rules.tzdb_version,
                    error_message="planned after the late window had passed" if is_late else None,
                )
            )
            planned += 1
        return planned

    async def find_needs(self, day: date) -> TextNeeds:
        people = [p for p in self._database.tables.people.values() if p.deleted_at is None]
        return TextNeeds(
            frozenset({None, *(person.locale for person in people)}),
            {
                t.name: usual_years(day.year)
                | {on.year for p in people if (on := p.date_of(t)) and on.year < EARLIEST_ON.year}
                for t in MESSAGE_TYPES
            },
        )

    async def find_needs_of(self, user_ids: Sequence[UUID]) -> TextNeeds:
        people = [p for p in self._database.tables.people.values() if p.id in user_ids]
        years = {
            t.name: frozenset(on.year for person in people if (on := person.date_of(t)))
            for t in MESSAGE_TYPES
        }
        return TextNeeds(frozenset(person.locale for person in people), years)

    async def count_people(
        self, message_type: MessageType, zone_days: Sequence[ZoneDay]
    ) -> list[int]:
        self._database.statements.append("count_people")
        people = Counter(
            (person.timezone, month_day(person.date_of(message_type)))
            for person in self._database.tables.people.values()
            if person.deleted_at is None
        )
        return [people[day.timezone, day.month_day] for day in zone_days]

    async def retime_people(
        self,
        message_type: MessageType,
        zone_days: Sequence[ZoneDay],
        rules: PlanRules,
        choice: TextChoice,
        user_ids: Sequence[UUID],
    ) -> int:
        if not zone_days:
            return 0
        instants = [day.send_at for day in zone_days]
        first_at, last_at = min(instants) - _ZONE_SHIFT, max(instants) + _ZONE_SHIFT
        rows = {
            (row.user_id, row.delivery_date): row
            for row in self._of_type(message_type)
            if first_at <= row.scheduled_send_time <= last_at
        }
        retimed = 0
        for day, person, occasion in self._candidates(message_type, zone_days, user_ids):
            row = rows.get((person.id, day.delivery_on))
            if row is None or day.send_at < rules.skip_before:
                continue
            if person.locale not in choice.languages:
                continue
            text = compose(choice, person, day.delivery_on, occasion)
            stored = row.scheduled_send_time, row.timezone, row.occasion_date
            is_moved = stored != (day.send_at, day.timezone, occasion) or any(
                getattr(row, column) != value for column, value in text.items()
            )
            is_open = row.status in PENDING and row.ambiguous_count == 0
            is_back = _is_undone(row) and _is_owed(day, person, rules)
            if not ((is_open and is_moved) or is_back):
                continue
            self._database.put(
                replace(
                    row,
                    status=Status.SCHEDULED,
                    scheduled_send_time=day.send_at,
                    timezone=day.timezone,
                    occasion_date=occasion,
                    tzdb_version=rules.tzdb_version,
                    **({} if row.ambiguous_count else text),
                    epoch=row.epoch + 1,
                    queued_at=None,
                    error_message=None,
                )
            )
            retimed += 1
        return retimed

    async def cancel_unwanted(
        self, message_type: MessageType, user_ids: Sequence[UUID], since: datetime
    ) -> int:
        cancelled = 0
        for row in self._of_type(message_type):
            person = self._database.tables.people[row.user_id]
            if row.user_id not in user_ids or row.scheduled_send_time < since:
                continue
            if row.status not in PENDING or not _is_unwanted(row, person, message_type):
                continue
            reason = "date or time zone changed"
            if person.unsubscribed_at is not None:
                reason = "person unsubscribed"
            if person.deleted_at is not None:
                reason = "person deleted"
            self._database.put(
                replace(row, status=Status.CANCELLED, epoch=row.epoch + 1, error_message=reason)
            )
            cancelled += 1
        return cancelled

    async def hold_erasures(self) -> None:
        """Nobody is erased."""

    async def count_unplanned(
        self, message_type: MessageType, zone_days: Sequence[ZoneDay], rules: PlanRules
    ) -> int:
        return sum(
            (day.send_at >= rules.now or person.eligible_since <= day.send_at)
            and (day.delivery_on, person.id, message_type.name) not in self._database.tables.ledger
            for day, person, _ in self._candidates(message_type, zone_days, None)
        )

    async def list_pending_days(
        self, message_type: MessageType, tzdb_version: str, before: datetime | None
    ) -> list[ZoneInstant]:
        found = {
            ZoneInstant(row.timezone, row.delivery_date, row.scheduled_send_time)
            for row in self._of_type(message_type)
            if row.status in PENDING
            and row.ambiguous_count == 0
            and row.tzdb_version <= tzdb_version
            and (before is None or row.scheduled_send_time < before)
        }
        return list(found)

    async def find_written(self, since: int | None, at_most: int) -> Written:  # noqa: ARG002
        """Nobody notes who wrote a row: it may be anybody."""
        return Written(0, None)

    async def list_changed_user_ids(
        self, message_type: MessageType, since: datetime, among: Sequence[UUID] | None
    ) -> list[UUID]:
        assert among is None
        found: dict[UUID, None] = {}
        for row in self._of_type(message_type):
            person = self._database.tables.people[row.user_id]
            if row.status in _RETIMED:
                if _is_unwanted(row, person, message_type):
                    found[person.id] = None
            elif _is_undone(row) and row.scheduled_send_time >= since:
                day = month_day(person.date_of(message_type))
                days = _LEAP_MONTH_DAY, month_day(row.delivery_date), month_day(row.occasion_date)
                if person.is_wanted and day in days:
                    found[person.id] = None
        return list(found)

    async def retime(
        self, message_type: MessageType, moves: Mapping[ZoneInstant, ZoneInstant], tzdb_version: str
    ) -> int:
        retimed = 0
        for row in self._of_type(message_type):
            place = ZoneInstant(row.timezone, row.delivery_date, row.scheduled_send_time)
            if (
                place in moves
                and row.status in PENDING
                and row.ambiguous_count == 0
                and row.tzdb_version <= tzdb_version
            ):
                self._database.put(
                    replace(
                        row,
                        status=Status.SCHEDULED,
                        scheduled_send_time=moves[place].send_at,
                        tzdb_version=tzdb_version,
                        epoch=row.epoch + 1,
                        queued_at=None,
                    )
                )
                retimed += 1
        return retimed

    async def count_people_by_zone(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for person in self._database.tables.people.values():
            if person.is_wanted:
                counts[person.timezone] = counts.get(person.timezone, 0) + 1
        return counts

    async def announce_due(self) -> None:
        """Wake nobody: the machine decides when a scheduler runs."""

    def _of_type(self, message_type: MessageType) -> list[MessageRow]:
        rows = self._database.tables.messages.values()
        return [row for row in rows if row.message_type == message_type.name]

    def _candidates(
        self,
        message_type: MessageType,
        zone_days: Sequence[ZoneDay],
        user_ids: Sequence[UUID] | None,
    ) -> Iterator[tuple[ZoneDay, PersonRow, date]]:
        """Yield zone days with the people who are to be greeted then, and their date."""
        everybody = self._database.tables.people
        ids = list(everybody) if user_ids is None else user_ids
        by_day: dict[tuple[int, str], list[tuple[PersonRow, date]]] = {}
        for person in (everybody[user_id] for user_id in ids if user_id in everybody):
            occasion = person.date_of(message_type)
            day = month_day(occasion)
            if person.is_wanted and occasion is not None and day is not None:
                by_day.setdefault((day, person.timezone), []).append((person, occasion))
        for zone_day in zone_days:
            for person, occasion in by_day.get((zone_day.month_day, zone_day.timezone), ()):
                if zone_day.delivery_on.year - occasion.year >= message_type.first_year:
                    yield zone_day, person, occasion


def _is_owed(day: ZoneDay, person: PersonRow, rules: PlanRules) -> bool:
    return (
        day.send_at >= rules.now
        or person.eligible_since <= day.send_at
        or (day.is_today and rules.late_join)
    )


def _is_undone(row: MessageRow) -> bool:
    """Whether an edit cancelled the row, and not a person's decision."""
    return row.status is Status.CANCELLED and row.error_message in UNDONE_BY_EDITS


def _is_unwanted(row: MessageRow, person: PersonRow, message_type: MessageType) -> bool:
    return not person.is_wanted or not is_fit(row, person, person.date_of(message_type))
