"""Send letters through a provider's own API: one call for one letter, or for many."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from heyday.domain.addresses import to_mail_address
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.letters import Letter, LetterWriter
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import Clock
from heyday.senders.calls import HttpCalls, HttpConfig
from heyday.senders.header_lines import clean
from heyday.senders.place import Place, header_lines
from heyday.senders.providers.dialect import Dialect
from heyday.senders.providers.judging import Judge
from heyday.senders.resolving import Resolve, ask_system

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
        letters = [as_sent(self._writer.write(message)) for message in messages]
        sound = [letter for letter in letters if letter]
        outcomes = await self._send_sound(sound, messages) if sound else []
        if outcomes and outcomes[0].is_of_batch:
            return [outcomes[0]] * len(messages)  # it goes again in halves, whoever is in it
        remaining = iter(outcomes)
        return [next(remaining) if letter else _NO_ADDRESS for letter in letters]

    async def _send_sound(
        self, letters: Sequence[Letter], messages: Sequence[ClaimedMessage]
    ) -> Sequence[Outcome]:
        request = write_request(self._dialect, self._place, letters, self._clock.now())
        answer = await self._call(request)
        if isinstance(answer, Outcome):
            return [answer] * len(letters)
        honours_keys = self.key_lifetime is not None
        judge = Judge(self._dialect, messages, letters, self._clock.now(), honours_keys)
        return judge.judge(answer)


def as_sent(letter: Letter) -> Letter | None:
    """Return a letter as every provider takes it; None if its address is none.

    Some take a list with commas where one address is meant, so nothing may look like one. A domain
    goes along as DNS knows it, and a subject is one line.
    """
    to = to_mail_address(letter.to)
    return replace(letter, to=str(to), subject=clean(letter.subject)) if to else None


def write_request(
    dialect: Dialect, place: Place, letters: Sequence[Letter], now: datetime
) -> bytes:
    """Return the request that carries these letters, to its last byte."""
    asked = dialect.request(letters, now)
    return place.request(asked.name, asked.content, asked.key, header_lines(asked.headers))
