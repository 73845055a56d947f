"""Send letters through a provider's own API: one call for one letter, or for many."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.letters import Letter, LetterWriter
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import Clock
from heyday.senders.calls import HttpCalls, HttpConfig
from heyday.senders.place import Place, header_lines
from heyday.senders.providers.dialect import Dialect
from heyday.senders.providers.judging import Judge
from heyday.senders.providers.mailbox import find_address
from heyday.senders.resolving import Resolve, ask_system
from heyday.senders.scrub import Scrubber

_NO_ADDRESS = Outcome(
    OutcomeKind.REFUSED, error="the person's address is none; no provider was asked"
)


@dataclass(frozen=True, slots=True)
class Route:
    """Say which provider letters go through, and how.

    batch_size: letters in a call, at most as many as the provider takes.
    """

    dialect: Dialect
    config: HttpConfig = field(repr=False)
    batch_size: int = 1
    resolve: Resolve = ask_system

    def __post_init__(self) -> None:
        """Refuse a batch that the provider would."""
        if not 1 <= self.batch_size <= (most := self.dialect.batch_limit):
            raise ValueError(f"batch size: got {self.batch_size}; expected 1 to {most}")

    @property
    def key_lifetime(self) -> timedelta | None:
        """Return for how long a repeated key is known: in a batch no letter has one."""
        return self.dialect.key_lifetime if self.batch_size == 1 else None


class ProviderSender(HttpCalls):
    """Make one call for up to `batch_size` attempts."""

    def __init__(self, route: Route, writer: LetterWriter, clock: Clock) -> None:
        config = replace(route.config, key_lifetime=route.key_lifetime)
        dialect = route.dialect
        place = Place(config.url, dialect.headers)
        sized = config.with_room_for(route.batch_size)
        super().__init__(sized, clock, place, dialect.kept, route.resolve)
        self._dialect = dialect
        self._batch_size = route.batch_size
        self._writer = writer

    @property
    def batch_size(self) -> int:
        """Return the most greetings that one call may carry."""
        return self._batch_size

    async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        """Make one attempt at each, by one call. A fault that hits the call is that of all in it.

        Whose address is none is in no call.
        """
        sound: list[tuple[ClaimedMessage, Letter]] = []
        for message in messages:
            letter = self._writer.write(message)
            if to := find_address(letter.to):
                sound.append((message, replace(letter, to=to)))
        outcomes = await self._send_sound(sound) if sound else []
        if len(outcomes) == len(messages):
            return outcomes
        if outcomes and outcomes[0].is_of_batch:
            return [outcomes[0]] * len(messages)  # it goes again in halves, whoever is in it
        of = {message.id: o for (message, _), o in zip(sound, outcomes, strict=True)}
        return [of.get(message.id, _NO_ADDRESS) for message in messages]

    async def _send_sound(self, sound: Sequence[tuple[ClaimedMessage, Letter]]) -> list[Outcome]:
        letters = [letter for _, letter in sound]
        request = self._dialect.request(letters, self._clock.now())
        answer = await self._call(
            self._place.request(
                request.name, request.content, request.key, header_lines(request.headers)
            )
        )
        if isinstance(answer, Outcome):
            return [answer] * len(letters)
        more = [f"{a.subject} {a.text} {a.html or ''} {a.unsubscribe_url or ''}" for a in letters]
        scrubber = Scrubber([message for message, _ in sound], more)
        honours_keys = self.key_lifetime is not None
        judge = Judge(self._dialect, scrubber, self._clock.now(), honours_keys)
        return judge.judge(answer, len(letters))
