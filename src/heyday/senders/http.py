"""Send through a provider's HTTP API: POST {url}/send-email, with the key in a header.

Source: DESIGN section 8 (the request).
"""

import msgspec

from heyday.domain.delivery import Outcome
from heyday.domain.models import ClaimedMessage
from heyday.senders.answers import judge
from heyday.senders.calls import HttpCalls


class HttpSender(HttpCalls):
    """Make one HTTP call for each attempt."""

    async def send(self, message: ClaimedMessage) -> Outcome:
        """Make one attempt, within `timeout`. Every fault of provider or network is an outcome."""
        content = msgspec.json.encode({"email": message.email, "message": message.text})
        request = self._place.request("send-email", content, message.idempotency_key)
        answer = await self._call(request)
        if isinstance(answer, Outcome):
            return answer
        honours_keys = self._config.key_lifetime is not None
        return judge(answer, message, self._clock.now(), honours_keys=honours_keys)
