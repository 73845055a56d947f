"""Send many greetings by one call to a provider's HTTP API: POST {url}/send-batch.

Source: docs/adr/0031-batches.md.
"""

from collections.abc import Sequence

import msgspec

from heyday.domain.delivery import Outcome
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import Clock
from heyday.senders.batch_answers import judge_batch
from heyday.senders.calls import HttpCalls, HttpConfig


class HttpBatchSender(HttpCalls):
    """Make one HTTP call for up to `batch_size` attempts."""

    def __init__(self, config: HttpConfig, batch_size: int, clock: Clock) -> None:
        super().__init__(config.with_room_for(batch_size), clock)
        self._batch_size = batch_size

    @property
    def batch_size(self) -> int:
        """Return the most greetings that one call may carry."""
        return self._batch_size

    async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        """Make one attempt at each, by one call. A fault that hits the call is that of all."""
        items = [
            {"email": m.email, "message": m.text, "idempotency_key": m.idempotency_key}
            for m in messages
        ]
        content = msgspec.json.encode({"messages": items})
        answer = await self._call(self._place.request("send-batch", content))
        if isinstance(answer, Outcome):
            return [answer] * len(messages)
        honours_keys = self.key_lifetime is not None
        return judge_batch(answer, messages, self._clock.now(), honours_keys=honours_keys)
