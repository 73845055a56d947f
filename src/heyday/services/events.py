"""Take in what providers tell of letters, and do what follows.   Source: docs/adr/0040."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from heyday.domain.audit import Actor, ActorKind, Deed, doing
from heyday.domain.errors import NotSigned
from heyday.domain.events import DROP_PATIENCE, NotedEvent, Received, Word, departures_of
from heyday.domain.ports import Clock, Session, Store
from heyday.domain.transitions import Status, check_move
from heyday.services.planning import Planner
from heyday.telemetry import Metrics

log = structlog.get_logger()

_CHUNK = 1000
# Longer than any provider goes on sending the same request again.
_KEEP_TOKENS = timedelta(days=2)


class EventService:
    """Keep events, settle greetings by them, and let people leave. Any number may run at once."""

    def __init__(self, store: Store, planner: Planner, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._planner = planner
        self._clock = clock
        self._metrics = metrics

    async def receive(self, provider: str, received: Received) -> None:
        """Keep what one signed request told, and do what follows: all of it or nothing.

        An event that is known, or of no greeting that there is, does nothing. When this returns,
        all is committed. Raises NotSigned for a token that was used for another request.
        """
        if not received.events and received.token is None:
            return
        actor = Actor(ActorKind.ANYBODY, f"provider {provider}")
        with doing(Deed(actor, "event.receive")):
            noted, settled = await self._store.in_transaction(
                lambda session: self._take(session, provider, received)
            )
        for each in noted:
            self._metrics.provider_events.labels(provider, each.event.kind.value).inc()
        log.info(
            "events_received",
            provider=provider,
            events=len(received.events),
            noted=len(noted),
            settled=settled,
        )

    async def settle(self) -> int:
        """Settle greetings that became UNKNOWN after they were told of; return how many.

        So are those whose drop nobody has contradicted for long enough.
        """
        async with self._store.session() as session:
            is_more = await session.events.has_unknown()
        settled = 0
        while is_more:
            count = await self._store.in_transaction(self._settle_some)
            settled += count
            is_more = count == _CHUNK
        if settled:
            log.info("greetings_told", rows=settled)
        return settled

    async def forget(self) -> int:
        """Forget tokens that nobody will use again; return how many."""
        async with self._store.session() as session:
            return await session.events.forget_tokens(self._clock.now() - _KEEP_TOKENS)

    async def _take(
        self, session: Session, provider: str, received: Received
    ) -> tuple[list[NotedEvent], int]:
        now, token = self._clock.now(), received.token
        if token and not await session.events.use_token(token, now):
            raise NotSigned("token used before")
        noted = await session.events.note(provider, received.events, now)
        if departures := departures_of(noted):
            user_ids = await session.events.depart(departures, now)
            await self._planner.cancel(session, user_ids, now)
        unknown = [each for each in noted if each.status is Status.UNKNOWN]
        if not unknown:
            return noted, 0
        words = await session.events.find_words(unknown, now - DROP_PATIENCE)
        return noted, await _settle(session, words, now)

    async def _settle_some(self, session: Session) -> int:
        now = self._clock.now()
        words = await session.events.list_words(now - DROP_PATIENCE, _CHUNK)
        return await _settle(session, words, now)


async def _settle(session: Session, words: Sequence[Word], now: datetime) -> int:
    if not words:
        return 0
    for word in words:
        check_move(Status.UNKNOWN, word.verdict)
    return await session.events.settle(words, now)
