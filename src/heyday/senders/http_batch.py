"""Send many greetings by one call to a provider's HTTP API: POST {url}/send-batch.

Source: docs/adr/0031-batches.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import Self

import msgspec

from heyday.domain.delivery import Outcome
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import Clock
from heyday.senders.batch_answers import judge_batch
from heyday.senders.http import HttpConfig, HttpSender

# Room for a sentence about each.
_LARGEST_ITEM = 4 * 1024


class HttpBatchSender:
    """Make one HTTP call for up to `batch_size` attempts. Use it as an async context manager."""

    def __init__(self, config: HttpConfig, batch_size: int, clock: Clock) -> None:
        largest = config.largest_answer + _LARGEST_ITEM * batch_size
        self._calls = HttpSender(replace(config, largest_answer=largest), clock)
        self._batch_size = batch_size
        self._clock = clock

    async def __aenter__(self) -> Self:
        await self._calls.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._calls.close()

    @property
    def batch_size(self) -> int:
        """Return the most greetings that one call may carry."""
        return self._batch_size

    @property
    def key_lifetime(self) -> timedelta | None:
        """Return for how long the provider takes a repeated key for the same message."""
        return self._calls.key_lifetime

    async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        """Make one attempt at each, by one call. A fault that hits the call is that of all."""
        items = [
            {"email": m.email, "message": m.text, "idempotency_key": m.idempotency_key}
            for m in messages
        ]
        answer = await self._calls.post("send-batch", msgspec.json.encode({"messages": items}))
        if isinstance(answer, Outcome):
            return [answer] * len(messages)
        honours_keys = self.key_lifetime is not None
        return judge_batch(answer, messages, self._clock.now(), honours_keys=honours_keys)

    def make_ready(self, calls: int) -> None:
        """Begin to open connections for so many calls."""
        self._calls.make_ready(calls)
