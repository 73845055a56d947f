"""What must hold after each step, and once everything has come to rest.

Nothing here asks Heyday: instants come from the zone's own file and the calendar.
"""

from calendar import isleap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from heyday.domain.message_types import MESSAGE_TYPES, MessageType
from heyday.domain.models import ClaimedMessage
from heyday.domain.resolutions import RESOLVED
from heyday.domain.transitions import IN_FLIGHT, LEGAL_MOVES, Status
from tests.model.process import CALL_TIMEOUT, POLICIES, TIMEZONES, Surroundings
from tests.model.provider import BUSY_LONG, BUSY_LONG_CODE
from tests.model.rows import MessageRow, Move, PersonRow, month_day

LATE_WINDOW = POLICIES.late_window
SAME_OCCASION = POLICIES.same_occasion
MOST_RETRIES = 5
SHORT = timedelta(days=30)
"""A provider that forgets keys sooner may forget one within a run."""
_ONE_DAY = timedelta(days=1)
_TYPES = {t.name: t for t in MESSAGE_TYPES}
_FINAL = frozenset({Status.SENT, Status.SKIPPED})
_ENDED_BY_SENDING = frozenset({Status.SENT, Status.FAILED, Status.UNKNOWN})
_ZONES = next(iter(TIMEZONES.values())).tzdb


def nine_o_clock(zone: str, on: date) -> datetime:
    return datetime.combine(on, time(9), _ZONES.load(zone)).astimezone(UTC)


def is_day(on: date, given: date | None) -> bool:
    """Whether a person with this date is greeted on a day."""
    if given is None:
        return False
    is_moved = (given.month, given.day) == (2, 29) and not isleap(on.year)
    return (on.month, on.day) == ((2, 28) if is_moved else (given.month, given.day))


@dataclass(frozen=True, slots=True)
class _Shape:
    """What of a person decides when they are greeted."""

    is_wanted: bool
    timezone: str
    birthday: date | None
    anniversary: date | None


def _shape(person: PersonRow) -> _Shape:
    return _Shape(person.is_wanted, person.timezone, person.birthday_date, person.anniversary_date)


def _is_cancelled_by_a_person(row: MessageRow) -> bool:
    reason = row.error_message or ""
    return row.status is Status.CANCELLED and reason.startswith("cancelled by a person")


class Promises:
    """Look at everything that happened since the last look."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._moves_seen = 0
        self._arrivals_seen = 0
        self._claims: dict[tuple[UUID, int], datetime] = {}
        self._called: set[tuple[UUID, int]] = set()
        self._wait_until: dict[UUID, datetime] = {}
        self._shapes: dict[UUID, tuple[_Shape, datetime]] = {}
        self._changed_by_sql: set[UUID] = set()

    def note_edit(self, user_id: UUID, *, is_by_sql: bool) -> None:
        """Remember who was changed past Heyday: their rows wait for the next recovery.

        Until Heyday changes them; an edit that leaves their days as they are does not.
        """
        if is_by_sql:
            self._changed_by_sql.add(user_id)
        elif self._shapes[user_id][0] != _shape(self._around.database.tables.people[user_id]):
            self._changed_by_sql.discard(user_id)

    def check(self) -> None:
        tables, provider = self._around.database.tables, self._around.provider
        moves = tables.moves[self._moves_seen :]
        self._moves_seen += len(moves)
        for move in moves:
            self._check_move(move)
        arrivals = provider.arrivals[self._arrivals_seen :]
        self._arrivals_seen += len(arrivals)
        for arrival in arrivals:
            message = arrival.message
            attempt = message.id, message.epoch
            assert attempt in self._claims, "a call without a claim"
            assert attempt not in self._called, "two calls on one claim"
            if not arrival.is_refused_whole:
                self._called.add(attempt)
            assert arrival.at >= message.scheduled_send_at, "sent before its instant"
            if not arrival.is_delayed:
                _check_lease(message, arrival.row, arrival.at + self._around.database.skew)
        assert not provider.broken, provider.broken
        if moves or arrivals:
            self._check_keys()
            self._check_acceptances()
        self._note_shapes()

    def check_at_rest(self, healed_at: datetime) -> None:
        """Check that everything owed ended, with a reason; nothing can happen any more."""
        now = self._around.world.clock.now()
        tables, accepted = self._around.database.tables, self._around.provider.accepted
        rows = {row.idempotency_key: row for row in tables.messages.values()}
        for row in rows.values():
            if row.scheduled_send_time > now:
                continue
            assert row.status not in IN_FLIGHT, f"still {row.status}"
            assert row.status is Status.SENT or row.error_message, f"{row.status} without a reason"
            noted = self._noted_ambiguous()[row.id]
            is_accepted = bool(accepted.get(row.idempotency_key))
            assert row.status is not Status.SENT or is_accepted, "SENT, but never accepted"
            assert row.status is Status.SENT or noted or not is_accepted, (
                f"accepted, yet {row.status} without an ambiguous attempt"
            )
        for person, message_type, on in self._owed(now, healed_at):
            key = f"{person.id}:{message_type.name}:{on}"
            assert key in rows, f"{key} is owed and has no row"
            if _is_cancelled_by_a_person(rows[key]):
                continue
            assert rows[key].status in _ENDED_BY_SENDING | {Status.SKIPPED}, (
                f"{key} is owed, and ended as {rows[key].status}"
            )

    def _check_move(self, move: Move) -> None:
        before, after, at = move.before, move.after, move.at
        if before is None:
            assert after.status in {Status.SCHEDULED, Status.SKIPPED}
            return
        assert after.epoch >= before.epoch, "an epoch went back"
        assert before.status not in _FINAL, f"a row that was {before.status} was written"
        if before.status is Status.FAILED:
            assert not before.ambiguous_count, "tried again, though it may have been taken"
        assert not _is_cancelled_by_a_person(before), "what a person cancelled came back"
        if before.status is after.status is Status.SENDING:
            assert before.lease_until is not None
            assert after.lease_until is not None
            if after.epoch == before.epoch:
                assert after.lease_until >= before.lease_until, "a heartbeat that shortens"
            else:
                by_database = at + self._around.database.skew
                assert before.lease_until < by_database, "taken over while the lease held"
            return
        assert after.status in LEGAL_MOVES[before.status], f"{before.status} to {after.status}"
        assert (before.idempotency_key, before.delivery_date) == (
            after.idempotency_key,
            after.delivery_date,
        )
        if before.ambiguous_count:
            assert before.message_content == after.message_content, "another text for one key"
        if after.status is Status.SENDING:
            self._check_claim(move.person, before, after, at)
        elif after.status is Status.CANCELLED and not _is_cancelled_by_a_person(after):
            assert not _is_welcome(move.person, before), "cancelled, but wanted"
        elif after.status is Status.SKIPPED:
            self._check_skip(before, at)
        elif before.status is Status.SENDING:
            self._check_record(before, after)

    def _check_record(self, before: MessageRow, after: MessageRow) -> None:
        assert after.epoch == before.epoch, "recorded under another epoch"
        if after.status is not Status.RETRYING:
            return
        if after.api_response_code == BUSY_LONG_CODE:
            self._wait_until[after.id] = self._called_at(after) + BUSY_LONG
        is_unclear = after.ambiguous_count > before.ambiguous_count
        if is_unclear and self._around.provider.key_lifetime is None:
            assert after.ambiguous_count == 1, "a second ambiguous attempt is repeated"
            assert after.message_type not in self._around.holding, "repeated, though it is held"

    def _check_claim(
        self, person: PersonRow, before: MessageRow, after: MessageRow, at: datetime
    ) -> None:
        assert after.epoch > before.epoch, "a claim without an epoch of its own"
        assert _is_welcome(person, before), "claimed for somebody who does not want it"
        assert at >= before.scheduled_send_time, "claimed before its instant"
        assert before.next_attempt_at is None or at >= before.next_attempt_at, "retried too soon"
        assert at >= self._wait_until.get(after.id, at), "Retry-After was not obeyed"
        assert at - before.scheduled_send_time <= LATE_WINDOW, "claimed too late"
        if not before.ambiguous_count:
            instant = nine_o_clock(person.timezone, before.delivery_date)
            assert before.scheduled_send_time == instant, "not at nine o'clock"
        self._claims[after.id, after.epoch] = at

    def _called_at(self, row: MessageRow) -> datetime:
        """Return when the call was made whose answer is in the row."""
        return next(
            arrival.at
            for arrival in reversed(self._around.provider.arrivals)
            if arrival.message.id == row.id and arrival.message.epoch == row.epoch
        )

    def _check_skip(self, before: MessageRow, at: datetime) -> None:
        if at - before.scheduled_send_time > LATE_WINDOW:
            return
        rows = self._around.database.tables.messages.values()
        assert any(
            other.user_id == before.user_id
            and other.message_type == before.message_type
            and other.id != before.id
            and abs(other.delivery_date - before.delivery_date) < SAME_OCCASION
            and (other.status in {Status.SENT, Status.UNKNOWN} or other.ambiguous_count)
            for other in rows
        ), "skipped, but neither late nor greeted"

    def _check_keys(self) -> None:
        tables = self._around.database.tables
        keys = Counter(row.idempotency_key for row in tables.messages.values())
        assert len(keys) == len(tables.messages), "two rows for one key"

    def _check_acceptances(self) -> None:
        provider = self._around.provider
        noted, decided = self._noted_ambiguous(), self._decided_retries()
        for row in self._around.database.tables.messages.values():
            accepted = provider.accepted.get(row.idempotency_key, [])
            if row.status is Status.SENT:
                assert accepted, "SENT, but never accepted"
            most = self._most_letters(row, noted[row.id]) + decided[row.id]
            assert len(accepted) <= most, "too many letters"
            assert row.retry_count <= MOST_RETRIES + decided[row.id], "too many retries"
            assert row.ambiguous_count <= noted[row.id], "an ambiguous attempt was not noted"

    def _most_letters(self, row: MessageRow, ambiguous: int) -> int:
        """Return how often a greeting may have been accepted: docs/delivery.md."""
        lifetime = self._around.provider.key_lifetime
        if lifetime is None and row.message_type in self._around.holding:
            return 1
        if lifetime is None or lifetime < SHORT:
            return 1 + min(ambiguous, 1)
        return 1

    def _noted_ambiguous(self) -> Counter[UUID]:
        attempts = self._around.database.tables.attempts
        return Counter(a.message_id for a in attempts if a.outcome == "ambiguous")

    def _decided_retries(self) -> Counter[UUID]:
        """Count how often a person had a greeting sent again, which may be a second letter."""
        attempts = self._around.database.tables.attempts
        return Counter(
            a.message_id for a in attempts if a.outcome == RESOLVED and a.status is Status.RETRYING
        )

    def _note_shapes(self) -> None:
        now = self._around.world.clock.now()
        for person in self._around.database.tables.people.values():
            shape = _shape(person)
            known = self._shapes.get(person.id)
            if known is None or known[0] != shape:
                self._shapes[person.id] = shape, now

    def _owed(
        self, now: datetime, healed_at: datetime
    ) -> Iterator[tuple[PersonRow, MessageType, date]]:
        """Yield what is owed beyond doubt: of people who have been as they are since before.

        What SQL changes is found by recovery alone, which looks back as far as the late window; and
        PostgreSQL's clock, which may be ahead, says since when it is so.
        """
        ahead = max(self._around.database.skew, timedelta())
        for person in self._around.database.tables.people.values():
            since = self._shapes[person.id][1]
            if person.id in self._changed_by_sql:
                since = max(since + ahead, healed_at - LATE_WINDOW)
            if person.is_wanted:
                for message_type in MESSAGE_TYPES:
                    for on in _days(person.date_of(message_type), since, now):
                        is_old_enough = _years(person, message_type, on) >= message_type.first_year
                        if is_old_enough and since <= nine_o_clock(person.timezone, on) <= now:
                            yield person, message_type, on


def _days(given: date | None, since: datetime, until: datetime) -> Iterator[date]:
    """Yield the local dates between two instants on which a date is celebrated."""
    on = since.date() - _ONE_DAY
    while on <= until.date() + _ONE_DAY:
        if is_day(on, given):
            yield on
        on += _ONE_DAY


def _years(person: PersonRow, message_type: MessageType, on: date) -> int:
    given = person.date_of(message_type)
    return on.year - given.year if given else -1


def _check_lease(message: ClaimedMessage, row: MessageRow, at: datetime) -> None:
    """Check that a call that begins now ends while its row is surely its worker's."""
    assert row.status is Status.SENDING, "called, though another has decided"
    assert row.epoch == message.epoch, "called, though another has claimed it"
    assert row.lease_until is not None
    assert row.lease_until >= at + CALL_TIMEOUT, "a call that may outlast its lease"


def _is_welcome(person: PersonRow, row: MessageRow) -> bool:
    """Whether the person wants this greeting, as they are now."""
    given = person.date_of(_TYPES[row.message_type])
    if not person.is_wanted:
        return False
    if row.ambiguous_count:
        return month_day(given) == month_day(row.occasion_date)
    return is_day(row.delivery_date, given) and person.timezone == row.timezone
