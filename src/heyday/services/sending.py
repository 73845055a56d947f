"""Send greetings: claim a batch, make the calls, record what came of them."""

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

import stamina
import structlog

from heyday.domain.delivery import DeliveryPolicy, Outcome, OutcomeKind
from heyday.domain.errors import DatabaseError, DatabaseUnavailable, SendsUnwritable
from heyday.domain.models import Batch, Claim, ClaimedMessage, Recorded
from heyday.domain.ports import Clock, Session, Store
from heyday.domain.send_ports import NO_LEDGER, SendLedger
from heyday.domain.transitions import Status, check_move
from heyday.services import following
from heyday.services.leases import Lease, LeaseConfig
from heyday.services.planning import Planner
from heyday.services.routes import Route, Routes
from heyday.services.sending_figures import SendingFigures
from heyday.services.vanished import outcomes_of_vanished
from heyday.telemetry import Metrics

if TYPE_CHECKING:
    from uuid import UUID

log = structlog.get_logger()

# What a provider said is kept for as long as somebody may still be glad of it: a row that nobody
# else has claimed meanwhile is written whenever the database is back.
_RECORD_PATIENCE = timedelta(minutes=10)
_LONGEST_PAUSE = 1.0
# Less than the time between this and the instant.
_REHEARSAL = timedelta(seconds=1)
_SOON = timedelta(minutes=5)
_STOPPING = Outcome(OutcomeKind.NOT_TRIED, error="the worker was stopping")
_TOO_LATE = Outcome(OutcomeKind.NOT_TRIED, error="too little of the lease was left")
_UNNOTED = Outcome(OutcomeKind.NOT_TRIED, error="the ledger of sends could not be written")
_FORGOTTEN = Outcome(
    OutcomeKind.FORGOTTEN,
    error="the provider does not know the key of an earlier, ambiguous attempt",
)


@dataclass(frozen=True, slots=True)
class SendingConfig:
    """Set how a batch of the queue is sent.

    concurrency: calls in flight at once through one sender, each with as many greetings as that
    takes.
    flush_size, flush_every: when outcomes are written.   patience: how long a greeting that was
    claimed waits for its turn at the provider.   sweep_chunk: rows of vanished workers that are
    decided about at once.
    """

    concurrency: int = 64
    lease: LeaseConfig = field(default_factory=LeaseConfig)
    flush_size: int = 250
    flush_every: timedelta = timedelta(milliseconds=250)
    patience: timedelta = timedelta(seconds=30)
    sweep_chunk: int = 1000


class MessageSenderService:
    """Send what was claimed, and write down every outcome."""

    def __init__(  # noqa: PLR0913 - one parameter for each part that it joins
        self,
        *,
        store: Store,
        routes: Routes,
        planner: Planner,
        clock: Clock,
        metrics: Metrics,
        jitter: Callable[[], float],
        config: SendingConfig,
        ledger: SendLedger = NO_LEDGER,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._routes = routes
        self._planner = planner
        self._clock = clock
        self._figures = SendingFigures(metrics)
        self._jitter = jitter
        self._config = config
        self._is_stopping = False

    def stop(self) -> None:
        """Start no further call; those in flight are finished and recorded."""
        self._is_stopping = True
        self._routes.stop()

    async def wait_until_open(self) -> None:
        """Return when a provider may be called, or `stop` was: nothing is claimed before."""
        await self._routes.wait_until_open()

    async def make_ready(self, batch: Batch) -> None:
        """Do what can be done for a batch before it is due: connect, read, and claim none of it.

        A first claim is slow, and so is one that has to read. What fails here fails again there.
        """
        self._routes.make_ready(batch.message_ids)
        with contextlib.suppress(DatabaseError, TimeoutError):
            async with asyncio.timeout(_REHEARSAL.total_seconds()):
                await self._claim(replace(batch, message_ids=()))
                async with self._store.session() as session:
                    await session.messages.read_ahead(batch)

    async def deliver(self, batch: Batch) -> int:
        """Claim a batch that is due, send it and record it; return how many greetings it held.

        When this returns, every row it claimed is recorded, so the batch may be acknowledged.
        A second delivery of the same batch finds nothing to claim.
        """
        began = self._clock.monotonic()
        lease = Lease(self._store, self._clock, self._config.lease, began=began)
        with following.claim(batch) as span:
            claim = await self._claim(batch)
            span.note({"heyday.greetings": len(claim.messages)})
        lease.hold(claim.messages)
        if not await self._note(claim.messages):
            return 0
        await self._send_all(claim.messages, lease)
        if claim.messages:
            self._figures.note_batch(self._clock.monotonic() - began)
        return len(claim.messages)

    async def resolve_expired(self) -> int:
        """Decide about rows whose worker vanished in the middle."""
        resolved = 0
        while True:
            expired = await self._store.in_transaction(
                lambda s: s.messages.claim_expired(
                    self._config.lease.length, self._config.sweep_chunk
                )
            )
            if not expired:
                return resolved
            await self._record(await self._decide_expired(expired))
            resolved += len(expired)

    async def _decide_expired(self, messages: Sequence[ClaimedMessage]) -> list[Recorded]:
        found = await outcomes_of_vanished(self._ledger, messages, self._clock)
        sorted_out, stranded = self._routes.sort(messages)
        groups = [(route.policy, some) for route, some in sorted_out]
        decided = []
        for policy, some in (*groups, (self._routes.policy_of_stranded, stranded)):
            decided += self._decide(some, [found[m.idempotency_key] for m in some], policy)
        return decided

    async def _note(self, messages: Sequence[ClaimedMessage]) -> bool:
        """Note that calls are about to be made; tell whether they may be. Else none is tried."""
        try:
            await self._ledger.begin(messages)
        except SendsUnwritable:
            untried = [_UNNOTED] * len(messages)
            await self._record(self._decide(messages, untried, self._routes.policy_of_stranded))
            return False
        return True

    async def _claim(self, batch: Batch) -> Claim:
        """Claim; people whom SQL had changed get, all or none, the plan that fits them now."""
        now = self._clock.now()
        rules = self._planner.claim_rules(now)
        await self._planner.prepare(self._store, now)

        assigned = self._routes.assign(batch.message_ids)
        claim: Claim | None = None

        async def work(session: Session) -> Claim:
            nonlocal claim
            length = self._config.lease.length
            claim = await session.messages.claim(batch, now, rules, length, assigned)
            if claim.changed:
                zones = self._planner.zones.intersection(claim.changed.values())
                await self._planner.replan(session, list(claim.changed), zones, now)
            return claim

        try:
            claim = await self._store.in_transaction(work)
        except DatabaseUnavailable:
            # Where COMMIT was under way its answer is lost, and what it brought is known.
            if claim is None or not (claim := await self._what_stands(claim)).messages:
                raise
        self._figures.note_claim(claim)
        if claim.not_sent:
            log.info("rows_not_sent", rows=sum(claim.not_sent.values()))
        return claim

    async def _what_stands(self, claim: Claim) -> Claim:
        """Return what the database has of a claim whose answer was lost: all of it, or nothing.

        Else its rows would wait for the end of their lease. Raises DatabaseUnavailable.
        """
        if claim.lease_until is None:
            return claim
        held: set[UUID] = set()
        usable = self._config.lease.usable
        async for attempt in stamina.retry_context(
            on=DatabaseUnavailable, attempts=None, timeout=usable, wait_max=_LONGEST_PAUSE
        ):
            with attempt:
                async with self._store.session() as session:
                    held = await session.messages.find_held(claim.messages, claim.lease_until)
        return replace(claim, messages=tuple(m for m in claim.messages if m.id in held))

    async def _send_all(self, messages: Sequence[ClaimedMessage], lease: Lease) -> None:
        if not messages:
            return
        sorted_out, stranded = self._routes.sort(messages)
        refused = [self._routes.refuse(message) for message in stranded]
        done = self._decide(stranded, refused, self._routes.policy_of_stranded)
        finished = asyncio.Event()
        # Not in the group: a database that is lost must not cancel calls that are in flight.
        writer = asyncio.create_task(self._write(done, lease, finished))
        try:
            async with asyncio.TaskGroup() as sending:
                for route, some in sorted_out:
                    waiting = iter(some)
                    for _ in range(self._calls_at_once(route, len(some))):
                        sending.create_task(self._send_next(route, waiting, done, lease))
            finished.set()
            await writer
            await self._flush(done, lease)
        finally:
            writer.cancel()

    async def _write(self, done: list[Recorded], lease: Lease, finished: asyncio.Event) -> None:
        """Record outcomes as they come, until the last; keep what is not recorded yet.

        One after the other, for both lock the same rows.
        """
        while not finished.is_set():
            await _wait(finished, self._config.flush_every)
            await self._flush(done, lease)
            await lease.beat()

    def _calls_at_once(self, route: Route, greetings: int) -> int:
        at_most = route.concurrency or self._config.concurrency
        return min(at_most, math.ceil(greetings / route.sender.batch_size))

    async def _send_next(
        self,
        route: Route,
        waiting: Iterator[ClaimedMessage],
        done: list[Recorded],
        lease: Lease,
    ) -> None:
        """Take as many as one call may carry, again and again, until none is left."""
        while some := list(islice(waiting, route.sender.batch_size)):
            await self._send(route, some, done, lease)

    async def _send(
        self, route: Route, messages: Sequence[ClaimedMessage], done: list[Recorded], lease: Lease
    ) -> None:
        """Send in one call, or in as many as the gate makes of it.

        A batch that is refused as a whole goes again in halves, until a greeting is by itself: one
        bad address must not cost the others their greeting.
        """
        parts = [messages]
        while parts:
            part = self._put_off(route, parts.pop(), done)
            if not part:
                continue
            admitted = await route.gate.admit(self._patience(route), len(part))
            if isinstance(admitted, Outcome):
                done += self._decide_for(route, part, [admitted] * len(part))
                continue
            called, outcomes = await self._call(route, part[:admitted], lease)
            if admitted < len(part):
                parts.append(part[admitted:])
            if outcomes[0].is_of_batch and len(called) > 1:
                middle = len(called) // 2
                parts += [called[middle:], called[:middle]]
            else:
                done += self._decide_for(route, called, outcomes)

    def _patience(self, route: Route) -> timedelta:
        """Return for how long to wait to be admitted: not at all where another sender is well."""
        moves = route.is_away and self._routes.is_other_well(route)
        return timedelta() if moves else self._config.patience

    def _put_off(
        self, route: Route, messages: Sequence[ClaimedMessage], done: list[Recorded]
    ) -> Sequence[ClaimedMessage]:
        """Return those of which a call may be made now; say of the others why there is none."""
        policy = route.policy
        if self._is_stopping:
            done += self._decide(messages, [_STOPPING] * len(messages), policy)
            return []
        now = self._clock.now()
        may = [message for message in messages if policy.may_attempt(message, now)]
        if len(may) < len(messages):
            put_off = [m for m in messages if not policy.may_attempt(m, now)]
            done += self._decide(put_off, [_FORGOTTEN] * len(put_off), policy)
        return may

    async def _call(
        self, route: Route, messages: Sequence[ClaimedMessage], lease: Lease
    ) -> tuple[Sequence[ClaimedMessage], Sequence[Outcome]]:
        """Call for those whose lease is long enough; return all, in some order, and outcomes."""
        # Looked at last, for it takes time to be admitted.
        ours = lease.permitted(messages)
        if len(ours) == len(messages):
            return messages, route.gate.note(await self._ask(route, messages))
        others = [message for message in messages if message not in ours]
        answers = await self._ask(route, ours) if ours else []
        outcomes = [*answers, *[_TOO_LATE] * len(others)]
        return [*ours, *others], route.gate.note(outcomes)

    async def _ask(self, route: Route, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        now, began = self._clock.now(), self._clock.monotonic()
        with following.call(route.name, messages) as span:
            try:
                outcomes = await route.sender.send_many(messages)
            except Exception as error:  # noqa: BLE001 - one call that fails must not end the others
                log.warning("sender_failed", sender=route.name, error=type(error).__name__)
                unclear = f"{type(error).__name__} in the sender"
                outcomes = [Outcome(OutcomeKind.AMBIGUOUS, error=unclear)] * len(messages)
            following.note(span, route.name, outcomes)
        self._figures.note_call(route.name, self._clock.monotonic() - began)
        if not outcomes[0].is_of_batch:
            self._figures.note_lateness(messages, outcomes, now)
        return outcomes

    def _decide_for(
        self, route: Route, messages: Sequence[ClaimedMessage], outcomes: Sequence[Outcome]
    ) -> list[Recorded]:
        """Return what to record of attempts; others may take what this sender did not."""
        is_taken = all(outcome.kind is OutcomeKind.ACCEPTED for outcome in outcomes)
        if not is_taken and self._routes.is_other_well(route):
            pairs = zip(messages, outcomes, strict=True)
            outcomes = [route.let_go(message, outcome) for message, outcome in pairs]
        return self._decide(messages, outcomes, route.policy)

    def _decide(
        self,
        messages: Sequence[ClaimedMessage],
        outcomes: Sequence[Outcome],
        policy: DeliveryPolicy,
    ) -> list[Recorded]:
        """Return what to record of attempts that have just ended."""
        now = self._clock.now()
        pairs = list(zip(messages, outcomes, strict=True))
        recorded = [policy.record(m, o, now, self._jitter()) for m, o in pairs]
        for status in {each.status for each in recorded}:
            check_move(Status.SENDING, status)
        self._figures.note_attempts(messages, outcomes, recorded)
        return recorded

    async def _flush(self, done: list[Recorded], lease: Lease) -> None:
        while done:
            some = done[: self._config.flush_size]
            del done[: self._config.flush_size]
            await self._ledger.end(some)
            await self._record(some)
            lease.release(outcome.message_id for outcome in some)

    async def _record(self, outcomes: list[Recorded]) -> None:
        self._figures.write()
        # Schedulers look each minute by themselves, and need not be told of what comes later.
        soon = self._clock.now() + _SOON
        is_retry = any(each.next_attempt_at and each.next_attempt_at < soon for each in outcomes)

        async def work(session: Session) -> int:
            written = await session.messages.record(outcomes)
            if is_retry:
                await session.plans.announce_due()
            return written

        retrying = stamina.retry_context(
            on=DatabaseUnavailable,
            attempts=None,
            timeout=_RECORD_PATIENCE,
            wait_max=_LONGEST_PAUSE,
            wait_jitter=0.1,
        )
        with following.record(outcomes):
            async for attempt in retrying:
                with attempt:
                    self._note_fenced(len(outcomes) - await self._store.in_transaction(work))

    def _note_fenced(self, fenced: int) -> None:
        if fenced:
            self._figures.note_fenced(fenced)
            log.warning("outcomes_fenced", rows=fenced)


async def _wait(event: asyncio.Event, at_most: timedelta) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(at_most.total_seconds()):
            await event.wait()
